/** What is wrong with a rule's SQL: found when the stack is synthesized, never in the cloud. */

export type RuleSqlErrorCode =
	/** No statement of AWS IoT SQL, or one outside the subset that is understood here. */
	| "bad_sql"
	/** The topic filter behind FROM is none, or one that a rule cannot be subscribed to. */
	| "bad_topic_filter"
	/** A statement by itself, but not for this rule's payload or actions. */
	| "unsuitable"
	/** Evaluating it failed for this message: AWS IoT runs the error action then. */
	| "evaluation_failed";

export class RuleSqlError extends Error {
	override readonly name = "RuleSqlError";
	readonly code: RuleSqlErrorCode;
	/** Where in the SQL, in characters from its start; null when it is not about one place. */
	readonly position: number | null;

	constructor(
		code: RuleSqlErrorCode,
		message: string,
		position: number | null = null,
		options?: ErrorOptions,
	) {
		super(message, options);
		this.code = code;
		this.position = position;
	}
}

/** An error that shows the place: the message, the line of SQL and a caret below the character. */
export function sqlErrorAt(
	code: RuleSqlErrorCode,
	sql: string,
	position: number,
	message: string,
): RuleSqlError {
	const before = sql.slice(0, position);
	const line = before.split("\n").length;
	const column = position - (before.lastIndexOf("\n") + 1);
	const text = sql.split("\n")[line - 1] ?? "";
	const caret = `${text.slice(0, column).replace(/[^\t]/g, " ")}^`;
	return new RuleSqlError(
		code,
		`${message} (line ${line}, column ${column + 1})\n  ${text}\n  ${caret}`,
		position,
	);
}
