/**
 * The template's Cognito user pool for a rehearsal, with its clients for people, on a stand-in that has Cognito's endpoints
 * and makes tokens of the shape that Cognito gives.
 */
import type { JSONWebKeySet } from "jose";
import {
	FakeUserPool,
	type PoolClient,
} from "../../cloud/aws/fakes/fake-user-pool.ts";
import { OUTPUTS } from "../../cloud/aws/names.ts";
import { RehearsalError } from "./errors.ts";
import { textIn, textsIn } from "./json.ts";
import type { Resource, Template } from "./template.ts";

export interface TokenOptions {
	readonly subject: string;
	readonly groups: readonly string[];
	readonly clientId: string;
	/** From now on, s; negative for one that has expired. */
	readonly lifetimeS?: number;
	readonly use?: "access" | "id";
}

export class UserPool {
	readonly issuer: string;
	readonly keys: JSONWebKeySet;
	/** What stands in for the addresses of keys and of sign-in, by their origins. */
	readonly origins: Readonly<Record<string, string>>;
	readonly #pool: FakeUserPool;

	private constructor(issuer: string, signInUrl: string, pool: FakeUserPool) {
		this.issuer = issuer;
		this.keys = { keys: [pool.publicJwk] };
		this.origins = {
			[new URL(issuer).origin]: pool.url,
			[new URL(signInUrl).origin]: pool.url,
		};
		this.#pool = pool;
	}

	/** @throws RehearsalError bad_wiring, unreadable_template */
	static async start(template: Template): Promise<UserPool> {
		const [resource] = template.ofType("AWS::Cognito::UserPool");
		const [first, ...others] = template
			.ofType("AWS::Cognito::UserPoolClient")
			.filter((client) => isForPeople(template, client))
			.map((client) => readClient(template, client));
		if (resource === undefined || first === undefined) {
			throw new RehearsalError(
				"bad_wiring",
				"There is no user pool, or no client that people sign in by.",
			);
		}
		return new UserPool(
			template.attribute(resource, "ProviderURL"),
			template.output(OUTPUTS.signInUrl),
			await FakeUserPool.start({
				poolId: template.ref(resource),
				clients: [first, ...others],
			}),
		);
	}

	/** Of somebody else, in the same region: its tokens are worth nothing here. */
	static async startForeign({ issuer, origins }: UserPool): Promise<UserPool> {
		const poolId = `${issuer.split("/").at(-1)}Foreign`;
		const [signInUrl = issuer] = Object.keys(origins);
		return new UserPool(
			`${issuer}Foreign`,
			signInUrl,
			await FakeUserPool.start({ poolId }),
		);
	}

	close(): Promise<void> {
		return this.#pool.close();
	}

	/** Who signs in at the pool's page; null: whoever comes declines. */
	set visitor(visitor: Pick<TokenOptions, "subject" | "groups"> | null) {
		this.#pool.visitor =
			visitor === null
				? null
				: {
						sub: visitor.subject,
						username: visitor.subject,
						groups: visitor.groups,
					};
	}

	/** What a browser finds at an address of the pool's pages, without going on to where it is sent. */
	visit(address: string): Promise<Response> {
		const { origin, pathname, search } = new URL(address);
		const standIn = this.origins[origin];
		if (standIn === undefined) throw new Error(`${origin} is not the pool's.`);
		return fetch(new URL(pathname + search, standIn), { redirect: "manual" });
	}

	token(options: TokenOptions): Promise<string> {
		const { subject, groups, clientId, use = "access" } = options;
		const nowS = Math.floor(Date.now() / 1000);
		const lifetimeS = options.lifetimeS ?? 3600;
		return this.#pool.accessToken(
			{ sub: subject, username: subject, groups },
			Date.now(),
			{
				client_id: clientId,
				scope: "openid email profile",
				iat: Math.min(nowS, nowS + lifetimeS - 1),
				exp: nowS + lifetimeS,
				...(use === "access"
					? {}
					: {
							token_use: "id",
							client_id: undefined,
							scope: undefined,
							aud: clientId,
						}),
			},
		);
	}
}

/** Others are for programs: https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints-oauth-grants.html */
function isForPeople(template: Template, client: Resource): boolean {
	const { AllowedOAuthFlows, AllowedOAuthFlowsUserPoolClient } =
		template.properties(client);
	return (
		AllowedOAuthFlowsUserPoolClient === true &&
		textsIn(AllowedOAuthFlows, client.id).includes("code")
	);
}

function readClient(template: Template, client: Resource): PoolClient {
	const properties = template.properties(client);
	if (properties.GenerateSecret === true) {
		throw new RehearsalError(
			"bad_wiring",
			`${client.id} has a secret, which neither a page nor a command could keep.`,
		);
	}
	return {
		clientId: textIn(template.ref(client), client.id),
		callbackUrls: textsIn(properties.CallbackURLs, client.id),
		scopes: textsIn(properties.AllowedOAuthScopes, client.id),
	};
}
