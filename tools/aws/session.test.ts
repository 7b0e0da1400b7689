/** Against a stand-in for a user pool, made from Cognito's developer guide: no account was at hand. */
import assert from "node:assert/strict";
import {
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	startUserPool,
	TOKEN_LIFETIME_S,
	type UserPool,
} from "../../cloud/aws/fakes/user-pool.ts";
import { type BrowserSignIn, startBrowserSignIn } from "./browser-sign-in.ts";
import { AwsError } from "./errors.ts";
import {
	type AwsSession,
	openSession,
	removeSession,
	saveSession,
	sessionFile,
} from "./session.ts";

const CLIENT = "cli-client";
const NOW = Date.UTC(2026, 10, 25);

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return port;
}

describe("signing the command in on AWS", () => {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-session-"));
	const path = join(dir, "config", "aws-session.json");
	let pool: UserPool;
	let signIn: BrowserSignIn | null = null;

	beforeEach(async () => {
		pool = await startUserPool({
			clientIds: [CLIENT],
			person: { subject: "s-1", username: "anna", groups: ["operator"] },
			nowMs: () => NOW,
		});
	});

	afterEach(async () => {
		signIn?.close();
		signIn = null;
		await pool.close();
		removeSession(path);
	});

	after(() => rmSync(dir, { recursive: true }));

	async function begin(patienceMs?: number): Promise<BrowserSignIn> {
		signIn = await startBrowserSignIn(
			{ signInUrl: pool.url, clientId: CLIENT },
			`http://localhost:${await freePort()}/callback`,
			patienceMs,
		);
		// It is waited for later, or called off.
		signIn.tokens.catch(() => undefined);
		return signIn;
	}

	function sessionOf(changes: Partial<AwsSession> = {}): AwsSession {
		return {
			apiUrl: "https://api.example",
			signInUrl: pool.url,
			clientId: CLIENT,
			accessToken: "access",
			refreshToken: "refresh",
			expiresMs: NOW + 3_600_000,
			...changes,
		};
	}

	it("sends the browser to the pool and takes the tokens when it comes back", async () => {
		const { url, tokens } = await begin();
		const page = await fetch(url);
		assert.equal(page.status, 200);
		assert.match(await page.text(), /Signed in/);
		const { accessToken, refreshToken } = await tokens;
		const [, claims = ""] = accessToken.split(".");
		const { username } = JSON.parse(
			Buffer.from(claims, "base64url").toString(),
		) as { username: string };
		assert.equal(username, "anna");
		assert.ok(pool.refreshTokens.has(refreshToken));
	});

	it("takes no code that comes with another state", async () => {
		const { url } = await begin();
		const back = new URL(new URL(url).searchParams.get("redirect_uri") ?? "");
		back.search = "?code=stolen&state=other";
		const page = await fetch(back);
		assert.equal(page.status, 400);
		assert.deepEqual(pool.asked, []);
	});

	it("says what the pool says when it refuses", async () => {
		const { url, tokens } = await begin();
		const asked = new URL(url);
		const back = new URL(asked.searchParams.get("redirect_uri") ?? "");
		back.searchParams.set("state", asked.searchParams.get("state") ?? "");
		back.searchParams.set("error", "access_denied");
		back.searchParams.set("error_description", "User is disabled");
		await fetch(back);
		await assert.rejects(tokens, /User is disabled/);
	});

	it("waits no longer than it says", async () => {
		const { tokens } = await begin(1);
		await assert.rejects(tokens, AwsError);
	});

	it("says which port it cannot have", async () => {
		const port = await freePort();
		const taken = createServer();
		await new Promise<void>((resolve) =>
			taken.listen(port, "localhost", resolve),
		);
		await assert.rejects(
			startBrowserSignIn(
				{ signInUrl: pool.url, clientId: CLIENT },
				`http://localhost:${port}/callback`,
			),
			new RegExp(`Port ${port}`),
		);
		await new Promise((resolve) => taken.close(resolve));
	});

	it("keeps the session where its owner alone may read it", async () => {
		saveSession(path, sessionOf());
		assert.equal(statSync(path).mode & 0o777, 0o600);
		assert.deepEqual(await openSession(path, NOW), sessionOf());
		assert.deepEqual(pool.asked, []);
	});

	it("renews a token that ends within a minute, and keeps the new one", async () => {
		pool.refreshTokens.add("refresh");
		saveSession(path, sessionOf({ expiresMs: NOW + 59_000 }));
		const session = await openSession(path, NOW);
		assert.notEqual(session.accessToken, "access");
		assert.equal(session.refreshToken, "refresh");
		assert.equal(session.expiresMs, NOW + TOKEN_LIFETIME_S * 1000);
		assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), session);
	});

	it("asks to sign in again when the pool takes the refresh token no more", async () => {
		saveSession(path, sessionOf({ expiresMs: NOW }));
		await assert.rejects(openSession(path, NOW), /thinghz signin --target aws/);
	});

	it("says so when the pool cannot be reached", async () => {
		saveSession(path, sessionOf({ expiresMs: 0 }));
		await pool.close();
		await assert.rejects(openSession(path, NOW), (error) => {
			assert.ok(error instanceof AwsError);
			assert.ok(error.message.includes(pool.url));
			return true;
		});
	});

	for (const [what, text] of [
		["nothing", null],
		["no JSON", "{"],
		["another document", '{"apiUrl": 1}'],
	] as const) {
		it(`asks to sign in when there is ${what} in the file`, async () => {
			if (text !== null) {
				saveSession(path, sessionOf());
				writeFileSync(path, text);
			}
			await assert.rejects(
				openSession(path, NOW),
				/thinghz signin --target aws/,
			);
		});
	}

	it("goes by XDG_CONFIG_HOME where that is set", () => {
		assert.equal(
			sessionFile({ XDG_CONFIG_HOME: "/etc/x" }),
			"/etc/x/thinghz/aws-session.json",
		);
		assert.match(sessionFile({}), /\.config\/thinghz\/aws-session\.json$/);
	});
});
