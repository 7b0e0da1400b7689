/**
 * Sign-in for a cloud on one machine. One secret, readable by its owner only, signs access tokens (JWT, HS256) and
 * one-time sign-in tokens; whoever can read the data folder can make either, so a second process such as the
 * `thinghz` command can issue a link to the cloud that runs.
 *
 * A token is either of a *person* that `thinghz users add` has made (it says `person: true`, and holds as long as the
 * person is there, with the role that they have then), or of whoever runs the cloud, with a role of its own. Tokens of
 * a time before there were roles have none: they were all made by whoever runs the cloud.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import {
	AuthError,
	type Authenticator,
	type Identity,
	type Session,
} from "../api/authenticator.ts";
import { isRole, type Role } from "../core/people.ts";
import type { Person } from "../core/people-directory.ts";
import type { Clock } from "../core/ports.ts";
import { type PersonStore, SUBJECT_BYTES } from "./people.ts";

const ISSUER = "thinghz-local";
const AUDIENCE = "thinghz-api";
const SECRET_BYTES = 32;

export const SIGN_IN_TTL_MS = 15 * 60_000;
/** Signing out does not end a session that somebody has copied; this does. */
export const SESSION_TTL_MS = 7 * 86_400_000;

/**
 * A sign-in token: when it was issued (6 bytes, ms), 10 random bytes, of a person's the subject (8 bytes), and 16 bytes
 * of HMAC over what comes before.
 */
const SIGN_IN_HEAD_BYTES = 16;
const SIGN_IN_MAC_BYTES = 16;
const SIGN_IN_CONTEXT = "thinghz sign-in 1";
const PERSON_SIGN_IN_CONTEXT = "thinghz sign-in of a person 1";

/** Who runs the cloud, on the page. */
const OWNER = { subject: "local", role: "admin" } as const;

export interface LocalAuthOptions {
	/** At least 32 bytes; `loadSecret` keeps one. */
	readonly secret: Uint8Array;
	readonly clock: Clock;
	/** Without it no token of a person is good. */
	readonly people?: Pick<PersonStore, "get">;
}

/** The file of the secret cannot hold one. */
export class SecretError extends Error {
	override readonly name = "SecretError";
	readonly code = "secret_damaged";
}

/**
 * The secret of a data folder, made when there is none.
 * @param dataDir the folder; the secret is `dataDir/secret`, mode 0600
 * @throws SecretError when the file is there and too short to be one
 */
export function loadSecret(dataDir: string): Uint8Array {
	const path = join(dataDir, "secret");
	mkdirSync(dataDir, { recursive: true, mode: 0o700 });
	try {
		writeFileSync(path, randomBytes(SECRET_BYTES), { mode: 0o600, flag: "wx" });
	} catch (error) {
		// It is there already: whoever made it first decides.
		if (!isCode(error, "EEXIST")) throw error;
	}
	chmodSync(path, 0o600);
	const secret = new Uint8Array(readFileSync(path));
	if (secret.length < SECRET_BYTES) {
		throw new SecretError(
			`${path} is damaged: it has ${secret.length} bytes instead of ${SECRET_BYTES}. Delete it to get a new one; everybody then signs in again.`,
		);
	}
	return secret;
}

function isCode(error: unknown, code: string): boolean {
	return error instanceof Error && "code" in error && error.code === code;
}

export class LocalAuth implements Authenticator {
	readonly #secret: Uint8Array;
	readonly #clock: Clock;
	readonly #people: Pick<PersonStore, "get"> | null;
	readonly #startedMs: number;
	/** Sign-in tokens that were used, and until when they would have been good. */
	readonly #used = new Map<string, number>();

	constructor(options: LocalAuthOptions) {
		this.#secret = options.secret;
		this.#clock = options.clock;
		this.#people = options.people ?? null;
		this.#startedMs = options.clock.nowMs();
	}

	/** An access token (a JWT) of whoever runs the cloud, good for `ttlMs`. */
	async issueToken(
		subject: string,
		ttlMs: number,
		role: Role = "admin",
	): Promise<string> {
		return (await this.#issue(subject, { role }, ttlMs)).token;
	}

	/** An access token of a person, good for `ttlMs` or until they are removed. */
	async issuePersonToken(
		{ subject }: Pick<Person, "subject">,
		ttlMs: number,
	): Promise<string> {
		return (await this.#issue(subject, { person: true }, ttlMs)).token;
	}

	/** A token for a sign-in link: good once, for 15 minutes. */
	issueSignIn(): string {
		return issueSignIn(this.#secret, this.#clock.nowMs());
	}

	async verify(token: string): Promise<Identity> {
		const payload = await this.#payload(token);
		const subject = payload.sub ?? "";
		const expiresMs = (payload.exp ?? 0) * 1_000;
		if (payload.person === true) {
			return { ...(await this.#person(subject)), expiresMs };
		}
		const { role = OWNER.role } = payload;
		if (!isRole(role)) {
			throw new AuthError("invalid", "The token is not valid here.");
		}
		return { subject, name: subject, role, expiresMs };
	}

	async #payload(token: string): Promise<JWTPayload> {
		try {
			const { payload } = await jwtVerify(token, this.#secret, {
				algorithms: ["HS256"],
				issuer: ISSUER,
				audience: AUDIENCE,
				requiredClaims: ["sub", "exp"],
				currentDate: new Date(this.#clock.nowMs()),
			});
			return payload;
		} catch (cause) {
			if (cause instanceof errors.JWTExpired) {
				throw new AuthError("expired", "The token has expired.", { cause });
			}
			throw new AuthError("invalid", "The token is not valid here.", { cause });
		}
	}

	/** As they are now, whatever they were when the token was made. @throws AuthError when they have been removed */
	async #person(
		subject: string,
	): Promise<Pick<Person, "subject" | "name" | "role">> {
		const person = (await this.#people?.get(subject)) ?? null;
		if (person === null) {
			throw new AuthError("invalid", "You are no longer known here.");
		}
		const { name, role } = person;
		return { subject, name, role };
	}

	async exchange(signInToken: string): Promise<Session> {
		const nowMs = this.#clock.nowMs();
		for (const [token, untilMs] of this.#used) {
			if (untilMs <= nowMs) this.#used.delete(token);
		}
		const { issuedMs, subject } = readSignIn(this.#secret, signInToken);
		if (this.#used.has(signInToken)) {
			throw new AuthError(
				"used",
				"This sign-in link has been used; each works once. Ask for a new one.",
			);
		}
		// What was used before a restart is forgotten, so links from before it are no longer good.
		const isOld = issuedMs < this.#startedMs;
		if (isOld || issuedMs + SIGN_IN_TTL_MS <= nowMs) {
			throw new AuthError(
				"expired",
				"This sign-in link has expired. Ask for a new one.",
			);
		}
		// Before anything is waited for, so that two who come at once are not both let in.
		this.#used.set(signInToken, issuedMs + SIGN_IN_TTL_MS);
		if (subject === null) {
			const { role } = OWNER;
			const issued = await this.#issue(OWNER.subject, { role }, SESSION_TTL_MS);
			return { ...issued, ...OWNER, name: OWNER.subject };
		}
		const person = await this.#person(subject);
		const issued = await this.#issue(subject, { person: true }, SESSION_TTL_MS);
		return { ...issued, ...person };
	}

	async #issue(
		subject: string,
		claims: { readonly role: Role } | { readonly person: true },
		ttlMs: number,
	): Promise<Pick<Session, "token" | "expiresMs">> {
		const nowS = Math.floor(this.#clock.nowMs() / 1_000);
		const expiresS = nowS + Math.floor(ttlMs / 1_000);
		const token = await new SignJWT(claims)
			.setProtectedHeader({ alg: "HS256", typ: "JWT" })
			.setSubject(subject)
			.setIssuer(ISSUER)
			.setAudience(AUDIENCE)
			.setIssuedAt(nowS)
			.setExpirationTime(expiresS)
			.sign(this.#secret);
		return { token, expiresMs: expiresS * 1_000 };
	}
}

/**
 * Makes a sign-in token that the cloud with this secret accepts, from any process.
 * @param person whom it signs in; whoever runs the cloud when absent
 */
export function issueSignIn(
	secret: Uint8Array,
	nowMs: number,
	person?: Pick<Person, "subject">,
): string {
	const head = Buffer.alloc(SIGN_IN_HEAD_BYTES);
	head.writeUIntBE(nowMs, 0, 6);
	randomBytes(10).copy(head, 6);
	const signed = Buffer.concat([
		head,
		Buffer.from(person?.subject ?? "", "hex"),
	]);
	return Buffer.concat([signed, signInMac(secret, signed)]).toString(
		"base64url",
	);
}

/** When a sign-in token was issued, ms, and for whom. @throws AuthError when it is not one of ours */
function readSignIn(
	secret: Uint8Array,
	text: string,
): { readonly issuedMs: number; readonly subject: string | null } {
	const token = Buffer.from(text, "base64url");
	const subjectBytes = token.length - SIGN_IN_HEAD_BYTES - SIGN_IN_MAC_BYTES;
	const isWhole =
		(subjectBytes === 0 || subjectBytes === SUBJECT_BYTES) &&
		token.toString("base64url") === text;
	const signed = token.subarray(0, SIGN_IN_HEAD_BYTES + subjectBytes);
	if (
		!isWhole ||
		!timingSafeEqual(signInMac(secret, signed), token.subarray(signed.length))
	) {
		throw new AuthError("invalid", "This is not a sign-in link of this cloud.");
	}
	return {
		issuedMs: token.readUIntBE(0, 6),
		subject:
			subjectBytes === 0
				? null
				: signed.subarray(SIGN_IN_HEAD_BYTES).toString("hex"),
	};
}

function signInMac(secret: Uint8Array, signed: Buffer): Buffer {
	return createHmac("sha256", secret)
		.update(
			signed.length === SIGN_IN_HEAD_BYTES
				? SIGN_IN_CONTEXT
				: PERSON_SIGN_IN_CONTEXT,
		)
		.update(signed)
		.digest()
		.subarray(0, SIGN_IN_MAC_BYTES);
}
