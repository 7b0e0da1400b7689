import assert from "node:assert/strict";
import { fakeCloud, jsonOf, problemOf } from "./fakes/fake-cloud.ts";

function signIn(
	cloud: ReturnType<typeof fakeCloud>,
	body: string,
	type = "application/json",
	origin = "http://localhost",
) {
	return cloud.app.request(`${origin}/v1/session`, {
		method: "POST",
		headers: { "Content-Type": type },
		body,
	});
}

const ONCE = JSON.stringify({ token: "once" });

describe("/v1/session", () => {
	it("exchanges a one-time token for a cookie that scripts and other sites cannot use", async () => {
		const response = await signIn(fakeCloud(), ONCE);
		assert.equal(response.status, 200);
		assert.equal(
			response.headers.get("Set-Cookie"),
			"thinghz_session=good; Max-Age=60; Path=/; HttpOnly; SameSite=Strict",
		);
		assert.deepEqual(await response.json(), {
			signedIn: true,
			subject: "tester",
			name: "tester",
			role: "admin",
			expires: "2026-03-01T12:01:00.000Z",
		});
	});

	it("marks the cookie Secure over HTTPS", async () => {
		const response = await signIn(
			fakeCloud(),
			ONCE,
			"application/json; charset=utf-8",
			"https://thinghz.example",
		);
		assert.match(response.headers.get("Set-Cookie") ?? "", /; Secure/);
	});

	it("refuses a token the second time", async () => {
		const cloud = fakeCloud();
		await signIn(cloud, ONCE);
		const response = await signIn(cloud, ONCE);
		assert.equal(response.status, 401);
		assert.equal(response.headers.get("Set-Cookie"), null);
		const problem = await problemOf(response);
		assert.equal(problem.type, "/problems/sign_in_failed");
	});

	for (const [name, body, type, status] of [
		["a form", "token=once", "application/x-www-form-urlencoded", 415],
		["plain text", ONCE, "text/plain", 415],
		["a type that only begins like JSON", ONCE, "application/jsonp", 415],
		["what is not JSON", "{", "application/json", 400],
		["nothing", "", "application/json", 400],
		["another document", "[]", "application/json", 400],
		["no token", "{}", "application/json", 400],
		["a token that is no text", '{"token":1}', "application/json", 400],
		["more than a token", '{"token":"once","x":1}', "application/json", 400],
		["a large body", `"${"x".repeat(9_000)}"`, "application/json", 413],
		["a wrong token", '{"token":"twice"}', "application/json", 401],
	] as const) {
		it(`refuses ${name} with ${status}`, async () => {
			const response = await signIn(fakeCloud(), body, type);
			assert.equal(response.status, status);
			assert.equal(response.headers.get("Set-Cookie"), null);
			await problemOf(response);
		});
	}

	it("reads no more of a body than it may have", async () => {
		let givenBytes = 0;
		const body = new ReadableStream<Uint8Array>(
			{
				pull(controller) {
					givenBytes += 4_096;
					controller.enqueue(new Uint8Array(4_096).fill(0x20));
					if (givenBytes >= 50_000_000) controller.close();
				},
			},
			{ highWaterMark: 0 },
		);
		const response = await fakeCloud().app.request("/v1/session", {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body,
			duplex: "half",
		} as RequestInit);
		assert.equal(response.status, 413);
		assert.equal((await problemOf(response)).type, "/problems/body_too_large");
		assert.ok(givenBytes <= 16_384, `${givenBytes} bytes were read`);
	});

	it("refuses a body that is announced to be too large without reading it", async () => {
		const response = await fakeCloud().app.request("/v1/session", {
			method: "POST",
			headers: {
				"Content-Type": "application/json",
				"Content-Length": "50000000",
			},
			body: ONCE,
		});
		assert.equal(response.status, 413);
		await problemOf(response);
	});

	it("names the cookie after the port, since browsers keep cookies of all ports of a host together", async () => {
		const cloud = fakeCloud();
		const response = await signIn(
			cloud,
			ONCE,
			"application/json",
			"http://127.0.0.1:8081",
		);
		assert.match(
			response.headers.get("Set-Cookie") ?? "",
			/^thinghz_session_8081=good;/,
		);
		const who = async (port: number, cookie: string) => {
			const url = `http://127.0.0.1:${port}/v1/session`;
			const headers = { Cookie: cookie };
			const answer = await cloud.app.request(url, { headers });
			return (await jsonOf<{ subject: string | null }>(answer)).subject;
		};
		const both = "thinghz_session_8080=other; thinghz_session_8081=good";
		assert.equal(await who(8081, both), "tester");
		assert.equal(await who(8080, both), null);
		const out = await cloud.app.request("http://127.0.0.1:8081/v1/session", {
			method: "DELETE",
		});
		assert.match(
			out.headers.get("Set-Cookie") ?? "",
			/^thinghz_session_8081=; Max-Age=0;/,
		);
	});

	it("points at the member of the body that is wrong", async () => {
		const response = await signIn(fakeCloud(), '{"token":1}');
		const problem = await problemOf(response);
		assert.equal(problem.errors?.[0]?.pointer, "/token");
	});

	it("says who is signed in, and nobody when the cookie is no longer good", async () => {
		const cloud = fakeCloud();
		const who = async (cookie: string) => {
			const headers = { Cookie: cookie };
			const response = await cloud.get("/v1/session", { headers });
			return (await jsonOf<{ subject: string | null }>(response)).subject;
		};
		assert.equal(await who("thinghz_session=good"), "tester");
		assert.equal(await who("thinghz_session=expired"), null);
		assert.equal(await who("thinghz_session="), null);
	});

	it("goes on with no session where none is renewed, and takes no code", async () => {
		const cloud = fakeCloud();
		const renewed = await cloud.app.request("/v1/session", {
			method: "PUT",
			headers: { Cookie: "thinghz_renewal=x" },
		});
		assert.equal(renewed.status, 401);
		await problemOf(renewed);
		const body = { code: "c", codeVerifier: "v".repeat(43) };
		const redirectUri = "http://localhost/";
		const refused = await signIn(
			cloud,
			JSON.stringify({ ...body, redirectUri }),
		);
		assert.equal(refused.status, 401);
		assert.equal((await problemOf(refused)).type, "/problems/sign_in_failed");
	});

	it("takes the cookie away at sign-out", async () => {
		const response = await fakeCloud().app.request("/v1/session", {
			method: "DELETE",
		});
		assert.equal(response.status, 204);
		assert.match(
			response.headers.get("Set-Cookie") ?? "",
			/^thinghz_session=; Max-Age=0; Path=\/; HttpOnly; SameSite=Strict$/,
		);
	});
});
