/** What a board needs to run has not been built, or is not installed. */
export class NotBuiltError extends Error {
	override readonly name = "NotBuiltError";
	readonly code = "not_built";
}
