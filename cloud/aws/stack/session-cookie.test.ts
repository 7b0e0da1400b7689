import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { SESSION_COOKIE } from "../../api/auth.ts";

interface EdgeRequest {
	readonly headers: Record<string, { value: string }>;
	readonly cookies: Record<string, { value: string }>;
}

/** The function as CloudFront runs it: a script with a function of that name. */
const handler = new Function(
	`${readFileSync(new URL("session-cookie.js", import.meta.url), "utf8")}; return handler;`,
)() as (event: { request: EdgeRequest }) => EdgeRequest;

const COOKIE = { [SESSION_COOKIE]: { value: "eyJ.token.x" } };

describe("the function at the edge", () => {
	it("turns the session's cookie into a bearer token", () => {
		const request = handler({ request: { headers: {}, cookies: COOKIE } });
		assert.deepEqual(request.headers, {
			authorization: { value: "Bearer eyJ.token.x" },
		});
		assert.deepEqual(request.cookies, COOKIE);
	});

	it("leaves a program's own token as it is", () => {
		const authorization = { value: "Bearer of-a-program" };
		const request = handler({
			request: { headers: { authorization }, cookies: COOKIE },
		});
		assert.deepEqual(request.headers, { authorization });
	});

	it("adds nothing for who is not signed in", () => {
		const request = handler({
			request: { headers: {}, cookies: { other: { value: "1" } } },
		});
		assert.deepEqual(request.headers, {});
	});
});
