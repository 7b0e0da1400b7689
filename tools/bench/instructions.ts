/**
 * Instructions that a node executes on the qemu board, a RISC-V machine (rv32imc) whose instructions are counted: for a sample, a
 * checkpoint, a block, and from reset to the first sample that is durable. The same on every computer.
 * On its own: `npx tsx tools/bench/instructions.ts`
 */
import {
	existsSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSection } from "../build/page.ts";
import { buildQemuImage } from "../build/qemu.ts";
import { BOARD_ELF } from "../size/image.ts";
import {
	countInstructions,
	type Instructions,
	type Spent,
} from "./instruction-count.ts";
import { buildMarkedImage, PARTS } from "./marked-build.ts";
import { type BenchResult, formatResult } from "./result.ts";

const PAGE = "docs/footprint.md";

async function countBoth(): Promise<{
	readonly plain: Instructions;
	readonly marked: Instructions;
}> {
	const directory = mkdtempSync(join(tmpdir(), "thinghz-count-"));
	try {
		const image = join(directory, "plain.img");
		await buildQemuImage({ outfile: image });
		return {
			plain: await countInstructions(image),
			marked: await countInstructions(await buildMarkedImage(directory)),
		};
	} finally {
		rmSync(directory, { recursive: true });
	}
}

const COLUMNS = [
	["sample", "a sample"],
	["checkpoint", "a checkpoint"],
	["block", "a block"],
	["boot", "from reset to the first durable sample"],
] as const;

/** Rows of parts and what each took, in thousands. */
function partsTable(plain: Instructions, marked: Instructions): string {
	const cells = (value: (of: keyof Instructions) => number): string =>
		COLUMNS.map(([key]) =>
			(Math.max(0, value(key)) / 1000).toLocaleString("en", {
				maximumFractionDigits: value(key) < 10_000 ? 1 : 0,
			}),
		).join(" | ");
	return [
		`| thousand instructions | ${COLUMNS.map(([, title]) => title).join(" | ")} |`,
		`|---|${COLUMNS.map(() => "---:|").join("")}`,
		`| **together** | ${cells((key) => plain[key].total)} |`,
		`| together, with marks | ${cells((key) => marked[key].total)} |`,
		...PARTS.map(
			({ name }, part) =>
				`| — ${name} | ${cells((key) => marked[key].byPart[part] ?? 0)} |`,
		),
	].join("\n");
}

/** Takes a quarter of a minute; writes the table by part into docs/footprint.md. Nothing where the qemu board has not been built. */
export async function benchInstructions(): Promise<BenchResult[]> {
	if (!existsSync(BOARD_ELF)) {
		console.log("Skipped: the qemu board has not been built (make qemu).");
		return [];
	}
	const { plain, marked } = await countBoth();
	const page = readFileSync(PAGE, "utf8");
	writeFileSync(
		PAGE,
		writeSection(page, "instructions", partsTable(plain, marked)),
	);
	const figure = (
		name: string,
		{ total }: Spent,
		note: string,
	): BenchResult => ({ name, value: total, unit: "instructions", note });
	return [
		figure(
			"A node's sample",
			plain.sample,
			"three channels, on the qemu board (rv32imc); the median of samples without checkpoint",
		),
		figure("A node's checkpoint", plain.checkpoint, "ten samples, read back"),
		figure(
			"A node's block",
			plain.block,
			"300 samples × 3 channels: encoded, appended, read back, sent, released",
		),
		figure(
			"A node's second on average",
			plain.second,
			"samples, checkpoints, blocks, health and collections of garbage over 20 minutes",
		),
		figure(
			"From reset to a node's first durable sample",
			plain.boot,
			"classes and functions are made, too, which a device finds in flash",
		),
	];
}

if (process.argv[1] === fileURLToPath(import.meta.url))
	for (const result of await benchInstructions())
		process.stdout.write(`${formatResult(result)}\n`);
