import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { AuthError, type AuthErrorCode } from "../api/auth.ts";
import { issueSignIn, LocalAuth, loadSecret, SIGN_IN_TTL_MS } from "./auth.ts";

const SECRET = new Uint8Array(32).fill(7);
const NOW = Date.UTC(2026, 2, 1);

function localAuth() {
	const clock = { now: NOW, nowMs: () => clock.now };
	return { clock, auth: new LocalAuth({ secret: SECRET, clock }) };
}

function rejectsWith(code: AuthErrorCode, promise: Promise<unknown>) {
	return assert.rejects(
		promise,
		(error) => error instanceof AuthError && error.code === code,
	);
}

/** Signs like LocalAuth, unless told otherwise. */
function jwt(
	changes: {
		alg?: string;
		secret?: Uint8Array;
		issuer?: string;
		audience?: string;
		subject?: string | null;
		expires?: boolean;
	} = {},
): Promise<string> {
	const token = new SignJWT({})
		.setProtectedHeader({ alg: changes.alg ?? "HS256" })
		.setIssuer(changes.issuer ?? "thinghz-local")
		.setAudience(changes.audience ?? "thinghz-api")
		.setIssuedAt(NOW / 1000);
	if (changes.subject !== null) token.setSubject(changes.subject ?? "someone");
	if (changes.expires !== false) token.setExpirationTime(NOW / 1000 + 60);
	return token.sign(changes.secret ?? SECRET);
}

describe("LocalAuth access tokens", () => {
	it("are good until they expire", async () => {
		const { auth, clock } = localAuth();
		const token = await auth.issueToken("command", 60_000);
		clock.now += 59_000;
		assert.deepEqual(await auth.verify(token), {
			subject: "command",
			expiresMs: NOW + 60_000,
		});
		clock.now += 1_000;
		await rejectsWith("expired", auth.verify(token));
	});

	it("are good as someone else would sign them with the secret", async () => {
		const { auth } = localAuth();
		assert.equal((await auth.verify(await jwt())).subject, "someone");
	});

	it("are not good when signed with another secret", async () => {
		const secret = new Uint8Array(32).fill(8);
		await rejectsWith(
			"invalid",
			localAuth().auth.verify(await jwt({ secret })),
		);
	});

	it("are not good without a signature", async () => {
		const encode = (value: object) =>
			Buffer.from(JSON.stringify(value)).toString("base64url");
		const payload = encode({
			sub: "someone",
			iss: "thinghz-local",
			aud: "thinghz-api",
			exp: NOW / 1000 + 60,
		});
		for (const alg of ["none", "None", "HS256"]) {
			const token = `${encode({ alg })}.${payload}.`;
			await rejectsWith("invalid", localAuth().auth.verify(token));
		}
	});

	it("are not good when a claim was changed", async () => {
		const [head, payload, signature] = (await jwt()).split(".");
		const claims = JSON.parse(
			Buffer.from(payload!, "base64url").toString(),
		) as object;
		const changed = Buffer.from(
			JSON.stringify({ ...claims, exp: NOW }),
		).toString("base64url");
		await rejectsWith(
			"invalid",
			localAuth().auth.verify(`${head}.${changed}.${signature}`),
		);
	});

	it("are not good for another service, from another issuer, by another algorithm, for nobody or for ever", async () => {
		for (const changes of [
			{ audience: "other" },
			{ issuer: "other" },
			{ alg: "HS512", secret: new Uint8Array(64).fill(7) },
			{ subject: null },
			{ expires: false },
		]) {
			await rejectsWith("invalid", localAuth().auth.verify(await jwt(changes)));
		}
	});

	it("are not good when they are no tokens", async () => {
		for (const token of ["", "a", "a.b.c", issueSignIn(SECRET, NOW)]) {
			await rejectsWith("invalid", localAuth().auth.verify(token));
		}
	});
});

describe("LocalAuth sign-in tokens", () => {
	it("become a session, once", async () => {
		const { auth } = localAuth();
		const token = auth.issueSignIn();
		const session = await auth.exchange(token);
		assert.equal((await auth.verify(session.token)).subject, "local");
		await rejectsWith("used", auth.exchange(token));
	});

	it("can be issued by another process that has the secret", async () => {
		await localAuth().auth.exchange(issueSignIn(SECRET, NOW + 1));
	});

	it("expire after 15 minutes, used or not", async () => {
		const { auth, clock } = localAuth();
		const [used, unused] = [auth.issueSignIn(), auth.issueSignIn()];
		await auth.exchange(used);
		clock.now += SIGN_IN_TTL_MS;
		await rejectsWith("expired", auth.exchange(unused));
		await rejectsWith("expired", auth.exchange(used));
	});

	it("from before the cloud started are not good, since it has forgotten which were used", async () => {
		await rejectsWith(
			"expired",
			localAuth().auth.exchange(issueSignIn(SECRET, NOW - 1)),
		);
	});

	it("are not good when a single bit differs", async () => {
		const { auth } = localAuth();
		const token = Buffer.from(auth.issueSignIn(), "base64url");
		for (let bit = 0; bit < token.length * 8; bit++) {
			const changed = Buffer.from(token);
			changed[bit >> 3]! ^= 1 << (bit & 7);
			await rejectsWith(
				"invalid",
				auth.exchange(changed.toString("base64url")),
			);
		}
	});

	it("are not good when they are none, or written otherwise", async () => {
		const { auth } = localAuth();
		const token = auth.issueSignIn();
		const other = createHmac("sha256", SECRET).digest("base64url");
		for (const text of [
			"",
			"x",
			other,
			`${token}=`,
			`${token} `,
			`${token}AA`,
		]) {
			await rejectsWith("invalid", auth.exchange(text));
		}
	});
});

describe("loadSecret", () => {
	let dir = "";
	beforeEach(() => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-secret-"));
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	it("makes a secret that only its owner can read, and finds it again", () => {
		const secret = loadSecret(join(dir, "data"));
		assert.equal(secret.length, 32);
		const { mode } = statSync(join(dir, "data", "secret"));
		assert.equal(mode & 0o777, 0o600);
		assert.deepEqual(loadSecret(join(dir, "data")), secret);
	});

	it("makes another for another folder", () => {
		assert.notDeepEqual(loadSecret(join(dir, "a")), loadSecret(join(dir, "b")));
	});

	it("refuses one that is too short, and says what to do", () => {
		writeFileSync(join(dir, "secret"), "short");
		assert.throws(() => loadSecret(dir), /Delete it to get a new one/);
	});
});
