/**
 * Whether an access token of a Cognito user pool is good, and whose it is. Claims as in
 * https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
 */
import {
	createRemoteJWKSet,
	customFetch,
	errors,
	type FetchImplementation,
	type JWTPayload,
	jwtVerify,
} from "jose";
import {
	AuthError,
	AuthUnavailable,
	type Identity,
} from "../../../api/authenticator.ts";
import { ROLES, type Role } from "../../../core/people.ts";
import type { Clock } from "../../../core/ports.ts";
import { READ_SCOPE } from "../../names.ts";
import { issuerOf, type UserPool } from "./user-pool.ts";

/** Keys are asked for anew after that long, though none is missing: one that was taken out is not trusted for ever. */
const KEYS_MAX_AGE_MS = 3_600_000;
/** An unknown key has them fetched again at most so often: whoever makes up tokens must not make us ask all the time. */
const COOLDOWN_MS = 30_000;
const TIMEOUT_MS = 3_000;

export interface AccessTokenOptions {
	readonly pool: Pick<UserPool, "poolId" | "clientIds" | "readerClientId">;
	readonly clock: Clock;
	/** Where the pool's keys are; the pool's own address unless told. */
	readonly keysUrl?: URL;
	readonly cooldownMs?: number;
	readonly keysMaxAgeMs?: number;
	readonly fetch?: typeof fetch;
}

export class AccessTokens {
	readonly #pool: AccessTokenOptions["pool"];
	readonly #clock: Clock;
	readonly #keys: ReturnType<typeof createRemoteJWKSet>;

	constructor(options: AccessTokenOptions) {
		this.#pool = options.pool;
		this.#clock = options.clock;
		const cooldownMs = options.cooldownMs ?? COOLDOWN_MS;
		this.#keys = createRemoteJWKSet(
			options.keysUrl ??
				new URL(`${issuerOf(options.pool.poolId)}/.well-known/jwks.json`),
			{
				cacheMaxAge: options.keysMaxAgeMs ?? KEYS_MAX_AGE_MS,
				cooldownDuration: cooldownMs,
				timeoutDuration: TIMEOUT_MS,
				[customFetch]: restAfterFailure(
					options.fetch ?? fetch,
					options.clock,
					Math.min(cooldownMs, TIMEOUT_MS),
				),
			},
		);
	}

	/**
	 * The signature, by one of the pool's keys and no other algorithm than Cognito's; that the token is of this pool, of
	 * one of its clients, an access token, and in force.
	 * @throws AuthError "expired" or "invalid"; AuthUnavailable when the pool's keys cannot be had
	 */
	async verify(token: string): Promise<Identity> {
		const payload = await this.#payload(token);
		const { sub = "", exp = 0, client_id: clientId, username } = payload;
		if (payload.token_use !== "access") {
			throw new AuthError("invalid", "This is not an access token.");
		}
		const { readerClientId } = this.#pool;
		if (readerClientId !== null && clientId === readerClientId) {
			return readerOf(payload, readerClientId);
		}
		if (!this.#pool.clientIds.some((known) => known === clientId)) {
			throw new AuthError("invalid", "The token is not for this cloud.");
		}
		return {
			subject: sub,
			name: typeof username === "string" ? username : sub,
			role: roleOf(payload["cognito:groups"]),
			expiresMs: exp * 1_000,
		};
	}

	async #payload(token: string): Promise<JWTPayload> {
		try {
			const { payload } = await jwtVerify(token, this.#keys, {
				algorithms: ["RS256"],
				issuer: issuerOf(this.#pool.poolId),
				requiredClaims: ["sub", "exp", "iat", "client_id", "token_use"],
				currentDate: new Date(this.#clock.nowMs()),
			});
			return payload;
		} catch (cause) {
			if (cause instanceof errors.JWTExpired) {
				throw new AuthError("expired", "The token has expired.", { cause });
			}
			if (isOfToken(cause)) {
				throw new AuthError("invalid", "The token is not valid here.", {
					cause,
				});
			}
			throw new AuthUnavailable(
				"The keys that tokens are checked with cannot be had now.",
				{ cause },
			);
		}
	}
}

/**
 * The program that a token of the reading client is of: a viewer of every device that changes nothing, whatever else the
 * token claims. Such a token has no user, and for its `sub` the client's ID.
 * https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-define-resource-servers.html
 * @throws AuthError for what client credentials do not give, or without the scope
 */
function readerOf(
	{ sub, scope, username, exp = 0 }: JWTPayload,
	clientId: string,
): Identity {
	if (sub !== clientId || username !== undefined) {
		throw new AuthError("invalid", "The token is of no program.");
	}
	const scopes = typeof scope === "string" ? scope.split(" ") : [];
	if (!scopes.includes(READ_SCOPE)) {
		throw new AuthError("invalid", `The token lacks the scope ${READ_SCOPE}.`);
	}
	return {
		subject: clientId,
		name: "a program that reads",
		role: "viewer",
		onlyReads: true,
		expiresMs: exp * 1_000,
	};
}

/** Whether the token is to blame, and not how the keys were to be fetched. */
function isOfToken(error: unknown): boolean {
	return (
		error instanceof errors.JOSEError &&
		!(error instanceof errors.JWKSTimeout) &&
		!(error instanceof errors.JWKSInvalid) &&
		// What a key set that was answered otherwise than with 200 and JSON is told by.
		error.code !== errors.JOSEError.code
	);
}

/** The most powerful of somebody's groups counts; groups of other names say nothing, and who is in none is a viewer. */
function roleOf(groups: unknown): Role {
	if (!Array.isArray(groups)) return "viewer";
	return ROLES.find((role) => groups.includes(role)) ?? "viewer";
}

/** Asks no more for a while after it has failed. */
function restAfterFailure(
	fetchKeys: typeof fetch,
	clock: Clock,
	restMs: number,
): FetchImplementation {
	let failed: { readonly error: unknown; readonly untilMs: number } | null =
		null;
	return async function fetchRestfully(url, options) {
		if (failed !== null && clock.nowMs() < failed.untilMs) throw failed.error;
		try {
			const response = await fetchKeys(url, options);
			failed = null;
			return response;
		} catch (error) {
			failed = { error, untilMs: clock.nowMs() + restMs };
			throw error;
		}
	};
}
