/** Files that a command reads and writes as bytes. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { CommandError, UsageError } from "./errors.ts";

/** @throws UsageError when it cannot be read */
export function readBytes(path: string): Uint8Array {
	try {
		return new Uint8Array(readFileSync(path));
	} catch (cause) {
		throw new UsageError(
			`${path} cannot be read: ${(cause as Error).message}`,
			{ cause },
		);
	}
}

/** @throws UsageError when it cannot be read */
export function readText(path: string): string {
	return new TextDecoder().decode(readBytes(path));
}

/** The whole file or none of it, never readable by more than `mode` says. @throws CommandError */
export async function writeBytes(
	path: string,
	bytes: Uint8Array,
	mode: number,
): Promise<void> {
	const temporary = `${path}.${randomUUID()}.tmp`;
	try {
		await writeFile(temporary, bytes, { mode, flag: "wx", flush: true });
		await rename(temporary, path);
	} catch (cause) {
		await rm(temporary, { force: true });
		throw new CommandError(
			`${path} cannot be written: ${(cause as Error).message}`,
			{ cause },
		);
	}
}
