/** Which cloud a command is about: `local:DIR` (default `local:./data`), or `aws`. */
import { resolve } from "node:path";
import { UsageError } from "./errors.ts";

export interface LocalTarget {
	/** The data folder, absolute. */
	readonly dir: string;
}

/** The stack that AWS's own tools would find: credentials and region are theirs. */
export type AwsTarget = "aws";

export type Target = LocalTarget | AwsTarget;

/** @throws UsageError for what is neither `local:DIR` nor `aws` */
export function parseAnyTarget(text: string): Target {
	if (text === "aws") return "aws";
	const dir = text.startsWith("local:") ? text.slice("local:".length) : "";
	if (dir === "") {
		throw new UsageError(
			`--target: "${text}" is not a target. Write local:DIR with the folder that \`thinghz up --data DIR\` uses, or aws.`,
		);
	}
	return { dir: resolve(dir) };
}

/** For what a cloud on this machine alone can do. @throws UsageError for anything but `local:DIR` */
export function parseTarget(text: string): LocalTarget {
	const target = parseAnyTarget(text);
	if (target === "aws") {
		throw new UsageError(
			"--target: this works on a cloud of this machine alone: write local:DIR with the folder that `thinghz up --data DIR` uses.",
		);
	}
	return target;
}
