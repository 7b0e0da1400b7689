/** Sign-in at a user pool's page, from the API's door to the pool's; the pool is made up, see `fakes/fake-user-pool.ts`. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
	type FakeCloud,
	fakeCloud,
	jsonOf,
	problemOf,
} from "../../../api/fakes/fake-cloud.ts";
import { ADMIN, CLIENT_ID, FakeUserPool } from "../../fakes/fake-user-pool.ts";
import { CognitoAuth } from "./authenticator.ts";

const PAGE = "https://d111111abcdef8.cloudfront.net";

describe("sign-in at Cognito's page", () => {
	let pool: FakeUserPool;
	let cloud: FakeCloud;
	let codeVerifier: string;

	before(async () => {
		pool = await FakeUserPool.start();
	});
	after(() => pool.close());
	beforeEach(() => {
		pool.failure = null;
		const clock = { nowMs: () => Date.now() };
		cloud = fakeCloud({
			auth: new CognitoAuth({
				pool: pool.pool,
				clock,
				keysUrl: pool.keysUrl,
			}),
			clock,
		});
		codeVerifier = randomBytes(48).toString("base64url");
	});

	/** What the pool sends a browser back with. */
	async function visit(changes: Record<string, string> = {}) {
		const query = new URLSearchParams({
			response_type: "code",
			client_id: CLIENT_ID,
			redirect_uri: `${PAGE}/`,
			state: "s",
			code_challenge_method: "S256",
			code_challenge: createHash("sha256")
				.update(codeVerifier)
				.digest("base64url"),
			...changes,
		});
		const response = await fetch(`${pool.url}/oauth2/authorize?${query}`, {
			redirect: "manual",
		});
		return new URL(response.headers.get("location") ?? "").searchParams;
	}

	function ask(method: string, cookie: string, body?: object) {
		return cloud.app.request(`${PAGE}/v1/session`, {
			method,
			headers: {
				Cookie: cookie,
				...(body ? { "Content-Type": "application/json" } : {}),
			},
			...(body ? { body: JSON.stringify(body) } : {}),
		});
	}

	async function signIn(changes: Record<string, string> = {}) {
		const code = (await visit()).get("code") ?? "";
		const redirectUri = `${PAGE}/`;
		return ask("POST", "", { code, codeVerifier, redirectUri, ...changes });
	}

	/** As a browser would send them; attributes by name. */
	function cookiesOf(response: Response) {
		const set = response.headers.getSetCookie();
		return {
			set,
			cookie: set.map((one) => one.split(";", 1)[0]).join("; "),
			value: (name: string) =>
				set.find((one) => one.startsWith(`${name}=`))?.split(/[=;]/)[1],
		};
	}

	it("becomes a session in two cookies that scripts and other sites cannot use", async () => {
		const response = await signIn();
		assert.equal(response.status, 200);
		const session = await jsonOf<Record<string, unknown>>(response.clone());
		assert.deepEqual(
			[session.signedIn, session.subject, session.name, session.role],
			[true, ADMIN.sub, "ada", "admin"],
		);
		const { set, cookie } = cookiesOf(response);
		assert.match(
			set[0] ?? "",
			/^thinghz_session=[\w-]+\.[\w-]+\.[\w-]+; Max-Age=3\d{3}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
		);
		assert.match(
			set[1] ?? "",
			/^thinghz_renewal=[\w-]+; Max-Age=2592000; Path=\/v1\/session; HttpOnly; Secure; SameSite=Strict$/,
		);
		assert.ok(set.every((one) => one.length < 4_096));
		const devices = await cloud.app.request(`${PAGE}/v1/devices`, {
			headers: { Cookie: cookie },
		});
		assert.equal(devices.status, 200);
	});

	it("is good once, with the verifier and the address that it began with", async () => {
		const code = (await visit()).get("code") ?? "";
		const good = { code, codeVerifier, redirectUri: `${PAGE}/` };
		for (const changes of [
			{ codeVerifier: randomBytes(48).toString("base64url") },
			{ redirectUri: "https://evil.example/" },
			{ code: "made-up" },
		]) {
			const refused = await signIn(changes);
			assert.equal(refused.status, 401);
			assert.equal((await problemOf(refused)).type, "/problems/sign_in_failed");
			assert.deepEqual(refused.headers.getSetCookie(), []);
		}
		assert.equal((await ask("POST", "", good)).status, 200);
		assert.equal((await ask("POST", "", good)).status, 401);
	});

	for (const [what, changes, pointer] of [
		["no code", { code: "" }, "/code"],
		["a verifier that is too short", { codeVerifier: "abc" }, "/codeVerifier"],
		[
			"a verifier with a space",
			{ codeVerifier: " ".repeat(43) },
			"/codeVerifier",
		],
		["an address that is none", { redirectUri: "page" }, "/redirectUri"],
		["more than it needs", { role: "admin" }, "/role"],
	] as const) {
		it(`is refused with ${what}, which is named`, async () => {
			const refused = await signIn(changes);
			assert.equal(refused.status, 400);
			const { errors } = await problemOf(refused);
			assert.deepEqual(
				errors?.map((error) => error.pointer),
				[pointer],
			);
		});
	}

	it("is the only way in: a link's token is refused", async () => {
		const refused = await ask("POST", "", { token: "once" });
		assert.equal(refused.status, 401);
		assert.equal((await problemOf(refused)).type, "/problems/sign_in_failed");
	});

	it("goes on when the access token has expired, until signing out ends it", async () => {
		const { cookie, value } = cookiesOf(await signIn());
		const renewal = `thinghz_renewal=${value("thinghz_renewal")}`;
		const renewed = await ask("PUT", renewal);
		assert.equal(renewed.status, 200);
		const { set } = cookiesOf(renewed);
		assert.equal(set.length, 1);
		assert.match(set[0] ?? "", /^thinghz_session=/);
		const out = await ask("DELETE", cookie);
		assert.equal(out.status, 204);
		assert.deepEqual(
			out.headers
				.getSetCookie()
				.map((one) => /^(\w+)=; Max-Age=0/.exec(one)?.[1]),
			["thinghz_session", "thinghz_renewal"],
		);
		assert.ok(pool.revoked.has(value("thinghz_renewal") ?? ""));
		const ended = await ask("PUT", renewal);
		assert.equal(ended.status, 401);
		assert.match(
			ended.headers.getSetCookie().join(),
			/thinghz_renewal=; Max-Age=0/,
		);
	});

	it("does not go on without the renewal's cookie, or with another", async () => {
		const { cookie } = cookiesOf(await signIn());
		for (const other of [
			"",
			cookie.split(";")[0] ?? "",
			"thinghz_renewal=",
			"thinghz_renewal=made-up",
		]) {
			const refused = await ask("PUT", other);
			assert.equal(refused.status, 401, other);
			await problemOf(refused);
		}
	});

	it("is forgotten by the browser at sign-out even when the pool does not answer, and says so", async () => {
		const { cookie } = cookiesOf(await signIn());
		pool.failure = 500;
		const out = await ask("DELETE", cookie);
		assert.equal(out.status, 503);
		await problemOf(out);
		assert.equal(out.headers.getSetCookie().length, 2);
		assert.ok(cloud.errors.length > 0);
	});

	it("is to be tried again when the pool does not answer", async () => {
		const code = (await visit()).get("code") ?? "";
		pool.failure = 503;
		const body = { code, codeVerifier, redirectUri: `${PAGE}/` };
		const refused = await ask("POST", "", body);
		assert.equal(refused.status, 503);
		assert.equal(refused.headers.get("Retry-After"), "1");
		assert.match((await problemOf(refused)).detail, /user pool/);
		pool.failure = null;
		assert.equal((await ask("POST", "", body)).status, 200);
	});

	it("says nothing of a request to the wrong client but that it is ours to mend", async () => {
		const auth = new CognitoAuth({
			pool: { ...pool.pool, clientIds: ["other"] },
			clock: { nowMs: () => Date.now() },
			keysUrl: pool.keysUrl,
		});
		cloud = fakeCloud({ auth });
		const refused = await signIn();
		assert.equal(refused.status, 503);
	});
});
