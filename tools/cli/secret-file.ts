/** Secrets come from files: what stands on a command line is seen by all users of the machine. */
import { readFileSync } from "node:fs";
import { UsageError } from "./errors.ts";

/** The file's first line, without the space around it. @throws UsageError when there is none */
export function readSecret(path: string): string {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (error) {
		throw new UsageError(
			`${path} cannot be read: ${(error as Error).message}`,
			{ cause: error },
		);
	}
	const secret = text.split("\n", 1)[0]?.trim() ?? "";
	if (secret === "") throw new UsageError(`${path} holds no secret.`);
	return secret;
}
