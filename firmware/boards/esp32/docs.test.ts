/** docs/esp32.md says of partitions, sensors and Wi-Fi what the board does. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseSensors } from "./sensors/config.ts";
import { I2C_MODELS } from "./sensors/models.ts";
import { wifiReason } from "./wifi/reason.ts";

const page = readFileSync(
	new URL("../../../docs/esp32.md", import.meta.url),
	"utf8",
);

/** The cells of the table's rows whose first cell begins with a name in backticks. */
function rows(heading: string): string[][] {
	const section = page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
	return section
		.split("\n")
		.filter((line) => line.startsWith("| `"))
		.map((line) =>
			line
				.split("|")
				.slice(1, -1)
				.map((cell) => cell.trim()),
		);
}

function names(cell: string | undefined): string[] {
	return [...(cell ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => `${name}`);
}

describe("docs/esp32.md", () => {
	it("has every partition with its size", () => {
		const documented = rows("Flash").flatMap(([label, size]) =>
			names(label).map((name) => [
				name,
				Number(/[\d,]+/.exec(size ?? "")?.[0].replace(",", "")) * 1024,
			]),
		);
		const partitions = readFileSync(
			new URL("./partitions.csv", import.meta.url),
			"utf8",
		)
			.split("\n")
			.filter((line) => line !== "" && !line.startsWith("#"))
			.map((line) => line.split(",").map((cell) => cell.trim()))
			.map(([label, , , , size]) => [label, Number(size)]);
		assert.deepEqual(documented, partitions);
	});

	it("has every sensor with its channels and addresses", () => {
		const documented = rows("Sensors").filter(
			([type]) => names(type)[0] !== undefined && type !== "`ntc`",
		);
		for (const [type, { measures, addresses }] of Object.entries(I2C_MODELS)) {
			const row = documented.find(([cell]) => cell === `\`${type}\``);
			assert.deepEqual(
				[row?.[1]?.split(", ").sort(), row?.[2]],
				[
					measures.map(({ quantity }) => quantity as string).sort(),
					addresses.join(", "),
				],
				type,
			);
		}
	});

	it("has an example that is taken", () => {
		const example = /^ {4}(\[\{"type"[\s\S]*?\}\])$/m.exec(page)?.[1];
		assert.ok(example);
		assert.equal(parseSensors(example).length, 3);
	});

	it("has the codes of Wi-Fi's reasons", () => {
		for (const [reason, codes] of rows("Wi-Fi"))
			for (const [code] of (codes ?? "").matchAll(/\b\d{2,3}\b(?! s)/g))
				assert.equal(wifiReason(Number(code)), names(reason)[0]);
	});
});
