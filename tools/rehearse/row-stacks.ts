/** The stacks with a database of rows, synthesized while the one without is played. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Assembly } from "./assembly.ts";
import { RehearsalError } from "./errors.ts";

export const ROW_STORES = ["influxdb", "timestream"] as const;

const PROGRAM = fileURLToPath(new URL("synthesize.ts", import.meta.url));

export interface RowStacks {
	/** In the order of the stores. @throws RehearsalError not_synthesized */
	assemblies(): Promise<readonly Assembly[]>;
	/** Removes what was written. */
	discard(): Promise<void>;
}

/** @param stores those to synthesize stacks with, in a process of their own */
export function beginRowStacks(
	stores: readonly (typeof ROW_STORES)[number][],
): RowStacks {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-row-stacks-"));
	const folders = stores.map((store) => join(dir, store));
	const child = spawn(
		process.execPath,
		[
			"--import",
			"tsx",
			PROGRAM,
			...stores.flatMap((store) => [store, join(dir, store)]),
		],
		{ stdio: ["ignore", "ignore", "pipe"] },
	);
	const said: string[] = [];
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		said.push(text);
	});
	const ended = new Promise<number | null>((resolve) => {
		child.once("close", resolve);
	});
	return {
		async assemblies() {
			const status = await ended;
			if (status === 0) return folders.map((folder) => new Assembly(folder));
			throw new RehearsalError(
				"not_synthesized",
				`Stacks with a database of rows cannot be synthesized: ${said.join("").trim().slice(-1000)}`,
			);
		},
		async discard() {
			child.kill("SIGKILL");
			await ended;
			rmSync(dir, { recursive: true, force: true });
		},
	};
}
