/** How large the difference is that a changed line of the firmware makes: byte code of the virtual board, before and after. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildProgram } from "../build/firmware.ts";
import { encodeDelta } from "../ota/encode-delta.ts";
import type { BenchResult } from "./result.ts";

interface Change {
	readonly what: string;
	/** Path from the root. */
	readonly file: string;
	readonly from: string;
	readonly to: string;
}

const CHANGES: readonly Change[] = [
	{
		what: "a number",
		file: "firmware/node/retries.ts",
		from: "capMs: 300_000",
		to: "capMs: 200_000",
	},
	{
		what: "a text",
		file: "firmware/node/trial.ts",
		from: "The firmware is confirmed.",
		to: "This firmware is the one that stays.",
	},
	{
		what: "a statement",
		file: "firmware/node/sampler.ts",
		from: "\tstop(): void {\n",
		to: "\tstop(): void {\n\t\tif (this.#dueMs < 0) throw new RangeError('due before the boot');\n",
	},
	{
		what: "a statement with a name that was not there",
		file: "firmware/node/sampler.ts",
		from: "\tstop(): void {\n",
		to: "\tstop(): void {\n\t\t(this as { neverThereBefore?: number }).neverThereBefore = 1;\n",
	},
];

async function byteCode(change: Change | null): Promise<Uint8Array> {
	const folder = await mkdtemp(join(tmpdir(), "thinghz-delta-"));
	try {
		const compiled = join(folder, "program.code");
		await buildProgram({
			outfile: compiled,
			...(change === null ? {} : { change }),
		});
		return new Uint8Array(await readFile(compiled));
	} finally {
		await rm(folder, { recursive: true });
	}
}

export async function benchDelta(): Promise<BenchResult[]> {
	const before = await byteCode(null);
	const shares: (readonly [string, number])[] = [];
	for (const change of CHANGES) {
		const after = await byteCode(change);
		const share = (100 * encodeDelta(before, after).length) / after.length;
		shares.push([change.what, share]);
	}
	const listed = shares
		.map(([what, share]) => `${what} ${share.toFixed(1)} %`)
		.join(", ");
	return [
		{
			name: "Difference for a changed line of firmware, the largest of four",
			value: Math.max(...shares.map(([, share]) => share)),
			unit: "% of the image",
			target: { op: "<=", value: 10 },
			note: `${before.length} B of byte code of the virtual board; ${listed}`,
		},
	];
}
