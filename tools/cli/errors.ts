/**
 * How a command ends when it does not succeed: 2 where what it was given cannot be (a word, a name, a file that cannot be read or makes no
 * sense), else 1.
 */
export const WRONG_USAGE = 2;

/** Of errors of other parts, the codes that say that what a command was given cannot be. */
const CODES_OF_USAGE: ReadonlySet<string> = new Set([
	"bad_csv",
	"bad_identity",
	"bad_wifi",
	"invalid_name",
	"weak_passphrase",
]);

/** @param code of an error of our own that is no CommandError */
export function exitCodeOfCode(code: string): number {
	return CODES_OF_USAGE.has(code) ? WRONG_USAGE : 1;
}

/** The command was understood and could not be done. The message says what, where and how to mend it. */
export class CommandError extends Error {
	override readonly name: string = "CommandError";
	readonly exitCode: number = 1;
}

/** The command's words are off. */
export class UsageError extends CommandError {
	override readonly name = "UsageError";
	override readonly exitCode = WRONG_USAGE;
}
