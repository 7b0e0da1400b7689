/**
 * Sign-in for a cloud on one machine. One secret, readable by its owner only, signs access tokens (JWT, HS256) and
 * one-time sign-in tokens; whoever can read the data folder can make either, so a second process such as the
 * `thinghz` command can issue a link to the cloud that runs.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errors, jwtVerify, SignJWT } from "jose";
import {
	AuthError,
	type Authenticator,
	type Identity,
	type Session,
} from "../api/auth.ts";
import type { Clock } from "../core/ports.ts";

const ISSUER = "thinghz-local";
const AUDIENCE = "thinghz-api";
const SECRET_BYTES = 32;

export const SIGN_IN_TTL_MS = 15 * 60_000;
/** Signing out does not end a session that somebody has copied; this does. */
export const SESSION_TTL_MS = 7 * 86_400_000;

/** A sign-in token: when it was issued (6 bytes, ms), 10 random bytes, and 16 bytes of HMAC over both. */
const SIGN_IN_SIGNED_BYTES = 16;
const SIGN_IN_BYTES = 32;
const SIGN_IN_CONTEXT = "thinghz sign-in 1";

export interface LocalAuthOptions {
	/** At least 32 bytes; `loadSecret` keeps one. */
	readonly secret: Uint8Array;
	readonly clock: Clock;
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
	readonly #startedMs: number;
	/** Sign-in tokens that were used, and until when they would have been good. */
	readonly #used = new Map<string, number>();

	constructor(options: LocalAuthOptions) {
		this.#secret = options.secret;
		this.#clock = options.clock;
		this.#startedMs = options.clock.nowMs();
	}

	/** An access token (a JWT) that is good for `ttlMs`. */
	async issueToken(subject: string, ttlMs: number): Promise<string> {
		return (await this.#issue(subject, ttlMs)).token;
	}

	/** A token for a sign-in link: good once, for 15 minutes. */
	issueSignIn(): string {
		return issueSignIn(this.#secret, this.#clock.nowMs());
	}

	async verify(token: string): Promise<Identity> {
		try {
			const { payload } = await jwtVerify(token, this.#secret, {
				algorithms: ["HS256"],
				issuer: ISSUER,
				audience: AUDIENCE,
				requiredClaims: ["sub", "exp"],
				currentDate: new Date(this.#clock.nowMs()),
			});
			return {
				subject: payload.sub ?? "",
				expiresMs: (payload.exp ?? 0) * 1_000,
			};
		} catch (cause) {
			if (cause instanceof errors.JWTExpired) {
				throw new AuthError("expired", "The token has expired.", { cause });
			}
			throw new AuthError("invalid", "The token is not valid here.", { cause });
		}
	}

	async exchange(signInToken: string): Promise<Session> {
		const nowMs = this.#clock.nowMs();
		for (const [token, untilMs] of this.#used) {
			if (untilMs <= nowMs) this.#used.delete(token);
		}
		const issuedMs = readSignIn(this.#secret, signInToken);
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
		this.#used.set(signInToken, issuedMs + SIGN_IN_TTL_MS);
		return this.#issue("local", SESSION_TTL_MS);
	}

	async #issue(subject: string, ttlMs: number): Promise<Session> {
		const nowS = Math.floor(this.#clock.nowMs() / 1_000);
		const expiresS = nowS + Math.floor(ttlMs / 1_000);
		const token = await new SignJWT({})
			.setProtectedHeader({ alg: "HS256", typ: "JWT" })
			.setSubject(subject)
			.setIssuer(ISSUER)
			.setAudience(AUDIENCE)
			.setIssuedAt(nowS)
			.setExpirationTime(expiresS)
			.sign(this.#secret);
		return { token, subject, expiresMs: expiresS * 1_000 };
	}
}

/** Makes a sign-in token that the cloud with this secret accepts, from any process. */
export function issueSignIn(secret: Uint8Array, nowMs: number): string {
	const token = Buffer.alloc(SIGN_IN_BYTES);
	token.writeUIntBE(nowMs, 0, 6);
	randomBytes(10).copy(token, 6);
	signInMac(secret, token).copy(token, SIGN_IN_SIGNED_BYTES);
	return token.toString("base64url");
}

/** When a sign-in token was issued, ms. @throws AuthError when it is not one of ours */
function readSignIn(secret: Uint8Array, text: string): number {
	const token = Buffer.from(text, "base64url");
	const isWhole =
		token.length === SIGN_IN_BYTES && token.toString("base64url") === text;
	if (
		!isWhole ||
		!timingSafeEqual(
			signInMac(secret, token),
			token.subarray(SIGN_IN_SIGNED_BYTES),
		)
	) {
		throw new AuthError("invalid", "This is not a sign-in link of this cloud.");
	}
	return token.readUIntBE(0, 6);
}

function signInMac(secret: Uint8Array, token: Buffer): Buffer {
	return createHmac("sha256", secret)
		.update(SIGN_IN_CONTEXT)
		.update(token.subarray(0, SIGN_IN_SIGNED_BYTES))
		.digest()
		.subarray(0, SIGN_IN_BYTES - SIGN_IN_SIGNED_BYTES);
}
