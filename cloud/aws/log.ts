/**
 * Structured logs: one object a line, as Lambda's JSON log format takes it from `console`.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
 */

export type LogFields = Readonly<Record<string, unknown>>;

/** `event` is a name, in lower case: what alarms and searches go by. */
export interface Log {
	info(event: string, fields?: LogFields): void;
	warn(event: string, fields?: LogFields): void;
	error(event: string, fields?: LogFields): void;
}

/** Writes to `console`, whose levels Lambda filters by. */
export const consoleLog: Log = {
	info: (event, fields) => console.info({ event, ...fields }),
	warn: (event, fields) => console.warn({ event, ...fields }),
	error: (event, fields) => console.error({ event, ...fields }),
};

/** What a log says of an error: its code for searches, its sentence, where it was thrown, and the same of its cause. */
export function describeError(error: unknown): LogFields {
	if (!(error instanceof Error)) return { error: String(error) };
	const code = "code" in error ? { code: error.code } : {};
	return {
		error: error.message,
		type: error.name,
		...code,
		stack: error.stack,
		...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
	};
}
