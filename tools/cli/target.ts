/** Which cloud a command is about: `local:DIR` (default `local:./data`). */
import { resolve } from "node:path";
import { UsageError } from "./errors.ts";

export interface LocalTarget {
	/** The data folder, absolute. */
	readonly dir: string;
}

/** @throws UsageError for anything but `local:DIR` */
export function parseTarget(text: string): LocalTarget {
	const dir = text.startsWith("local:") ? text.slice("local:".length) : "";
	if (dir === "") {
		throw new UsageError(
			`--target: "${text}" is not a target. Write local:DIR with the folder that \`thinghz up --data DIR\` uses.`,
		);
	}
	return { dir: resolve(dir) };
}
