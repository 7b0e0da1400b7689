/** A device's request as AWS IoT's services of jobs and file streams have them: a JSON object, or nothing. */

export type Members = Readonly<Record<string, unknown>>;

/**
 * An empty message says nothing, which is enough for some.
 * @param refuse makes the service's own error, by a code that both have
 * @throws what `refuse` makes
 */
export function readMembers(
	payload: Uint8Array,
	refuse: (
		code: "InvalidJson" | "InvalidRequest",
		message: string,
		options?: ErrorOptions,
	) => Error,
): Members {
	if (payload.length === 0) return {};
	let value: unknown;
	try {
		const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
		value = JSON.parse(text);
	} catch (error) {
		throw refuse("InvalidJson", "The request is not JSON.", { cause: error });
	}
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw refuse("InvalidRequest", "The request is not a JSON object.");
	}
	return value as Members;
}
