import type { Authenticator, Identity } from "../../../api/authenticator.ts";
import type { Clock } from "../../../core/ports.ts";
import { AccessTokens } from "./access-tokens.ts";
import { HostedSignIn } from "./hosted-sign-in.ts";
import type { UserPool } from "./user-pool.ts";

/** People of a Cognito user pool. Roles are its groups; subjects are the `sub` of its users, which never change. */
export class CognitoAuth implements Authenticator {
	readonly codes: HostedSignIn;
	readonly #tokens: AccessTokens;

	constructor(options: {
		readonly pool: UserPool;
		readonly clock: Clock;
		/** Where the pool's keys are; the pool's own address unless told. */
		readonly keysUrl?: URL;
		readonly fetch?: typeof fetch;
	}) {
		this.#tokens = new AccessTokens(options);
		this.codes = new HostedSignIn({
			...options,
			verify: (token) => this.verify(token),
		});
	}

	verify(token: string): Promise<Identity> {
		return this.#tokens.verify(token);
	}
}
