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
	ADMIN,
	CLIENT_ID,
	FakeUserPool,
} from "../../cloud/aws/fakes/fake-user-pool.ts";
import { type BrowserSignIn, startBrowserSignIn } from "./browser-sign-in.ts";
import { AwsError } from "./errors.ts";
import {
	type AwsSession,
	openSession,
	removeSession,
	saveSession,
	sessionFile,
} from "./session.ts";

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
	let pool: FakeUserPool;
	let signIn: BrowserSignIn | null = null;

	beforeEach(async () => {
		pool = await FakeUserPool.start();
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
			{ signInUrl: pool.url, clientId: CLIENT_ID },
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
			clientId: CLIENT_ID,
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
		assert.equal(username, ADMIN.username);
		assert.notEqual(refreshToken, "");
	});

	it("takes no code that comes with another state", async () => {
		const { url } = await begin();
		const back = new URL(new URL(url).searchParams.get("redirect_uri") ?? "");
		back.search = "?code=stolen&state=other";
		const page = await fetch(back);
		assert.equal(page.status, 400);
		assert.match(await page.text(), /not begun here/);
	});

	it("says what the pool says when it refuses", async () => {
		pool.visitor = null;
		const { url, tokens } = await begin();
		await fetch(url);
		await assert.rejects(tokens, /The visitor declined/);
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
				{ signInUrl: pool.url, clientId: CLIENT_ID },
				`http://localhost:${port}/callback`,
			),
			new RegExp(`Port ${port}`),
		);
		await new Promise((resolve) => taken.close(resolve));
	});

	it("keeps the session where its owner alone may read it", async () => {
		saveSession(path, sessionOf());
		assert.equal(statSync(path).mode & 0o777, 0o600);
		// It would be refused if it were asked to renew.
		pool.failure = 500;
		assert.deepEqual(await openSession(path, NOW), sessionOf());
	});

	it("renews a token that ends within a minute, and keeps the new one", async () => {
		const { url, tokens } = await begin();
		await fetch(url);
		const { refreshToken } = await tokens;
		saveSession(path, sessionOf({ refreshToken, expiresMs: NOW + 59_000 }));
		const session = await openSession(path, NOW);
		assert.notEqual(session.accessToken, "access");
		assert.equal(session.refreshToken, refreshToken);
		assert.ok(session.expiresMs > NOW + 60_000);
		assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), session);
	});

	it("asks to sign in again when the pool takes the refresh token no more", async () => {
		saveSession(path, sessionOf({ expiresMs: NOW }));
		await assert.rejects(openSession(path, NOW), /thinghz signin --target aws/);
	});

	it("says so when the pool cannot be reached", async () => {
		const { url: signInUrl } = pool;
		await pool.close();
		saveSession(path, sessionOf({ expiresMs: 0, signInUrl }));
		await assert.rejects(openSession(path, NOW), (error) => {
			assert.ok(error instanceof AwsError);
			assert.ok(error.message.includes(signInUrl));
			return true;
		});
		pool = await FakeUserPool.start();
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
