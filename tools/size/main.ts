/** `make size`: measures byte code and images, prints them, and writes them into docs/footprint.md. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { writeSection } from "../build/page.ts";
import { isOurs, linkBareApp, linkFirmware } from "./esp32.ts";
import { BOARD_ELF, measureImage } from "./image.ts";
import { measureModules, modulesOf } from "./modules.ts";
import {
	formatCount,
	modulesTable,
	partsTable,
	sumByPart,
	totalBytes,
} from "./table.ts";

const PAGE = "docs/footprint.md";
const ESP32 = "firmware/boards/esp32/main.ts";

const sections: Record<string, string> = {};

const modules = await measureModules(await modulesOf([ESP32]));
sections["own byte code"] = [
	`Modules that \`${ESP32}\` imports, compiled one by one by the engine of the simulated boards (XS 13.3):`,
	partsTable(modules),
	`<details><summary>${modules.length} modules</summary>\n\n${modulesTable(modules)}\n\n</details>`,
].join("\n\n");

const { MODDABLE } = process.env;
if (MODDABLE === undefined || MODDABLE === "")
	console.log(
		"The link for an ESP32 is skipped: MODDABLE does not name an SDK. The page keeps its figures.",
	);
else {
	const { modules: all, linked } = linkFirmware(MODDABLE);
	const bare = linkBareApp(MODDABLE);
	const ours = all.filter(isOurs);
	const theirs = all.filter((module) => !isOurs(module));
	const row = (what: string, bytes: number): string =>
		`| ${what} | ${formatCount(bytes)} |`;
	sections["esp32 link"] = [
		"| the whole link for `esp32` | B |",
		"|---|---:|",
		row(
			`byte code of ${ours.length} modules of ours, before the link`,
			totalBytes(ours),
		),
		row(
			`byte code of ${theirs.length} modules of the SDK, before the link`,
			totalBytes(theirs),
		),
		row(
			"**byte code in flash, after the link**",
			linked.functionBytes + linked.moduleBytes,
		),
		row("— of functions", linked.functionBytes),
		row("— of modules that are not preloaded", linked.moduleBytes),
		row(
			`objects in flash, ${formatCount(linked.slots)} slots of 16 B`,
			16 * linked.slots,
		),
		row(
			`RAM for what of these may change, ${linked.aliases} pointers`,
			4 * linked.aliases,
		),
		row(
			"for comparison, a bare app of the SDK alone, before the link",
			totalBytes(bare.modules),
		),
		row("and after it", bare.linked.functionBytes + bare.linked.moduleBytes),
	].join("\n");
}

if (existsSync(BOARD_ELF)) {
	const image = await measureImage();
	sections["qemu image"] = [
		"| image of the `qemu` board | B |",
		"|---|---:|",
		`| machine code and constants | ${formatCount(image.textBytes)} |`,
		`| program: names and byte code | ${formatCount(image.programBytes)} |`,
		`| RAM laid out by the linker: variables, C stack, C heap | ${formatCount(image.dataBytes + image.bssBytes)} |`,
	].join("\n");
} else
	console.log(
		"The qemu board's image is skipped: it has not been built (make qemu). The page keeps its figures.",
	);

let page = readFileSync(PAGE, "utf8");
for (const [name, text] of Object.entries(sections))
	page = writeSection(page, name, text);
writeFileSync(PAGE, page);

for (const [part, bytes] of sumByPart(modules))
	console.log(`${part}: ${formatCount(bytes)} B of byte code`);
console.log(`together: ${formatCount(totalBytes(modules))} B`);
for (const name of ["esp32 link", "qemu image"])
	if (sections[name] !== undefined) console.log(`\n${sections[name]}`);
console.log(`\nWritten to ${PAGE}.`);
