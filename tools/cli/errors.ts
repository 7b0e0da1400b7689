/** How a command ends when it does not succeed: 1 it failed, 2 it was used wrongly. */

/** The command was understood and could not be done. The message says what, where and how to mend it. */
export class CommandError extends Error {
	override readonly name: string = "CommandError";
	readonly exitCode: number = 1;
}

/** The command's words are off. */
export class UsageError extends CommandError {
	override readonly name = "UsageError";
	override readonly exitCode = 2;
}
