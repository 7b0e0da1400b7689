import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { AuthError, type AuthErrorCode } from "../api/authenticator.ts";
import type { Person } from "../core/people-directory.ts";
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
		claims?: Readonly<Record<string, unknown>>;
	} = {},
): Promise<string> {
	const token = new SignJWT(changes.claims ?? {})
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
			name: "command",
			role: "admin",
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

describe("LocalAuth and people", () => {
	const ADA: Person = {
		subject: "00000000000000ad",
		name: "ada",
		role: "viewer",
		createdMs: NOW,
	};

	function authOf(...people: Person[]) {
		const known = new Map(people.map((person) => [person.subject, person]));
		const clock = { now: NOW, nowMs: () => clock.now };
		const get = async (subject: string) => known.get(subject) ?? null;
		const auth = new LocalAuth({ secret: SECRET, clock, people: { get } });
		return { auth, clock, known };
	}

	it("signs a person in by a link of their own, in their role", async () => {
		const { auth } = authOf(ADA);
		const link = issueSignIn(SECRET, NOW, ADA);
		const session = await auth.exchange(link);
		const { subject, name, role } = ADA;
		assert.deepEqual([session.subject, session.role], [subject, role]);
		assert.deepEqual(await auth.verify(session.token), {
			subject,
			name,
			role,
			expiresMs: session.expiresMs,
		});
		await rejectsWith("used", auth.exchange(link));
	});

	it("lets a link be used once when two come with it at the same time", async () => {
		const { auth } = authOf(ADA);
		const link = issueSignIn(SECRET, NOW, ADA);
		const both = await Promise.allSettled([
			auth.exchange(link),
			auth.exchange(link),
		]);
		assert.deepEqual(
			both.map(({ status }) => status),
			["fulfilled", "rejected"],
		);
	});

	it("ends a person's sessions and links when they are removed, also when another gets the name", async () => {
		const { auth, known } = authOf(ADA);
		const token = await auth.issuePersonToken(ADA, 60_000);
		const link = issueSignIn(SECRET, NOW, ADA);
		assert.equal((await auth.verify(token)).name, "ada");
		known.delete(ADA.subject);
		known.set("00000000000000ae", { ...ADA, subject: "00000000000000ae" });
		await rejectsWith("invalid", auth.verify(token));
		await rejectsWith("invalid", auth.exchange(link));
	});

	it("goes by the role that a person has now", async () => {
		const { auth, known } = authOf({ ...ADA, role: "admin" });
		const token = await auth.issuePersonToken(ADA, 60_000);
		assert.equal((await auth.verify(token)).role, "admin");
		known.set(ADA.subject, ADA);
		assert.equal((await auth.verify(token)).role, "viewer");
	});

	it("takes no person's token where nobody knows people", async () => {
		const { auth } = localAuth();
		const token = await auth.issuePersonToken(ADA, 60_000);
		await rejectsWith("invalid", auth.verify(token));
		await rejectsWith("invalid", auth.exchange(issueSignIn(SECRET, NOW, ADA)));
	});

	it("takes tokens of a time before roles for those of whoever runs the cloud", async () => {
		const { auth } = authOf();
		assert.equal((await auth.verify(await jwt())).role, "admin");
	});

	it("keeps to the role that a token names, and knows no other than the three", async () => {
		const { auth } = authOf();
		const token = await auth.issueToken("display", 60_000, "viewer");
		assert.equal((await auth.verify(token)).role, "viewer");
		for (const role of ["owner", "", null, 1, ["admin"]]) {
			await rejectsWith(
				"invalid",
				auth.verify(await jwt({ claims: { role } })),
			);
		}
	});

	it("takes neither a person's link for the owner's nor the other way round", async () => {
		const { auth } = authOf(ADA);
		const owner = Buffer.from(issueSignIn(SECRET, NOW), "base64url");
		const ada = Buffer.from(issueSignIn(SECRET, NOW, ADA), "base64url");
		const [head, subject] = [ada.subarray(0, 16), ada.subarray(16, 24)];
		for (const forged of [
			Buffer.concat([head, ada.subarray(24)]),
			Buffer.concat([owner.subarray(0, 16), subject, owner.subarray(16)]),
			Buffer.concat([ada, subject]),
			ada.subarray(0, 32),
		]) {
			await rejectsWith("invalid", auth.exchange(forged.toString("base64url")));
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
