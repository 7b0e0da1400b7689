/** What every operation with a body asks of it before it is looked at: not too long, and JSON. */
import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { Problem } from "./problem.ts";

const MAX_BODY_BYTES = 8_192;

/**
 * A cross-site form can send no `application/json`, and a script that does is asked for permission by CORS, which we
 * never give: together with SameSite=Strict this keeps other sites from acting in a visitor's name.
 */
const requireJson: MiddlewareHandler = async function requireJson(c, next) {
	const type = c.req.header("Content-Type") ?? "";
	if (!/^application\/json\s*(;|$)/i.test(type)) {
		throw new Problem(
			"unsupported_media_type",
			"Send the body as application/json.",
		);
	}
	try {
		JSON.parse(await c.req.text());
	} catch (cause) {
		throw new Problem("invalid_request", "The body is not valid JSON.", {
			cause,
			errors: [{ pointer: "", detail: "not valid JSON" }],
		});
	}
	await next();
};

/** Reads no more than that, whatever is announced. */
function limitBody(maxBytes: number): MiddlewareHandler {
	return bodyLimit({
		maxSize: maxBytes,
		onError() {
			throw new Problem(
				"body_too_large",
				`The body may have at most ${maxBytes} bytes.`,
			);
		},
	});
}

/** For `middleware` of a route; its problems are `JSON_BODY_PROBLEMS`. */
export function jsonBodyOf(maxBytes: number): MiddlewareHandler[] {
	return [limitBody(maxBytes), requireJson];
}

/** The same for the bodies of most operations. */
export const jsonBody = jsonBodyOf(MAX_BODY_BYTES);

export const JSON_BODY_PROBLEMS = [
	"invalid_request",
	"body_too_large",
	"unsupported_media_type",
] as const;
