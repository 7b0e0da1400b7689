/** Asks a person at a terminal before what cannot be undone. */
import { createInterface } from "node:readline/promises";
import { UsageError } from "./errors.ts";

/** @returns whether the answer is yes. @throws UsageError where nobody could answer: then it takes --yes */
export async function isConfirmed(question: string): Promise<boolean> {
	if (!process.stdin.isTTY) {
		throw new UsageError(
			"Nobody can be asked here: add --yes to do it without.",
		);
	}
	// What is asked is no result, which is all that goes to standard output.
	const terminal = createInterface({
		input: process.stdin,
		output: process.stderr,
	});
	try {
		return /^y(es)?$/i.test((await terminal.question(question)).trim());
	} finally {
		terminal.close();
	}
}
