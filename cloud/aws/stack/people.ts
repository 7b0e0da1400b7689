/** Who may sign in, and how: a Cognito user pool whose groups are the roles of `cloud/core/people.ts`. */
import { Aws, Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import {
	AccountRecovery,
	CfnUserPoolClient,
	CfnUserPoolGroup,
	FeaturePlan,
	Mfa,
	OAuthScope,
	ResourceServerScope,
	UserPool,
	UserPoolClient,
	UserPoolClientIdentityProvider,
	type UserPoolClientOptions,
	UserPoolDomain,
} from "aws-cdk-lib/aws-cognito";
import { Construct } from "constructs";
import { ROLES } from "../../core/people.ts";
import {
	CLI_REDIRECT,
	READ_ACCESS,
	RESOURCE_SERVER,
	STACK_NAME,
} from "../names.ts";
import type { Context } from "./context.ts";

const MFA: Readonly<Record<Context["mfa"], Mfa>> = {
	off: Mfa.OFF,
	optional: Mfa.OPTIONAL,
	required: Mfa.REQUIRED,
};

export interface PeopleProps {
	readonly mfa: Context["mfa"];
	readonly signInPrefix: string | null;
	readonly protect: boolean;
}

export class People extends Construct {
	readonly pool: UserPool;
	readonly cliClient: UserPoolClient;
	/** Address of the hosted sign-in, without a slash at the end. */
	readonly signInUrl: string;
	/** `iss` of the pool's tokens. */
	readonly issuer: string;

	constructor(scope: Construct, id: string, props: PeopleProps) {
		super(scope, id);
		this.pool = new UserPool(this, "Pool", {
			userPoolName: STACK_NAME,
			selfSignUpEnabled: false,
			signInAliases: { email: true },
			signInCaseSensitive: false,
			autoVerify: { email: true },
			passwordPolicy: {
				minLength: 12,
				requireDigits: true,
				requireLowercase: true,
				requireUppercase: true,
				requireSymbols: true,
				tempPasswordValidity: Duration.days(7),
			},
			mfa: MFA[props.mfa],
			// An authenticator app: text messages cost money and can be intercepted.
			...(props.mfa === "off"
				? {}
				: { mfaSecondFactor: { sms: false, otp: true } }),
			accountRecovery: AccountRecovery.EMAIL_ONLY,
			// The plan for 10,000 people a month without charge; Plus, with threat protection, costs from the first.
			featurePlan: FeaturePlan.ESSENTIALS,
			deletionProtection: props.protect,
			removalPolicy: RemovalPolicy.RETAIN,
		});
		Validations.of(this.pool).acknowledge(
			{
				id: "AwsSolutions-COG8",
				reason:
					"The Plus plan costs $0.02 a person and month from the first on; nobody signs up by himself, and MFA can be required by context.",
			},
			...(props.mfa === "required"
				? []
				: [
						{
							id: "AwsSolutions-COG2",
							reason:
								"Whether a second factor is off, optional or required is a choice of the context (`mfa`).",
						},
					]),
		);
		for (const [index, role] of ROLES.entries()) {
			new CfnUserPoolGroup(this, role, {
				userPoolId: this.pool.userPoolId,
				groupName: role,
				// The most powerful of a person's groups counts: the lowest number.
				precedence: index,
			});
		}
		const prefix = props.signInPrefix ?? `${STACK_NAME}-${Aws.ACCOUNT_ID}`;
		const domain = new UserPoolDomain(this, "Domain", {
			userPool: this.pool,
			cognitoDomain: { domainPrefix: prefix },
		});
		this.signInUrl = domain.baseUrl();
		this.issuer = `https://cognito-idp.${Stack.of(this).region}.${Aws.URL_SUFFIX}/${this.pool.userPoolId}`;
		this.cliClient = this.#client("CliClient", "command", CLI_REDIRECT);
	}

	/** @param address of the page, without a slash at the end */
	addPageClient(address: string): UserPoolClient {
		return this.#client("PageClient", "page", `${address}/`);
	}

	/**
	 * A client by which a program reads, as itself and nobody else: client credentials (RFC 6749 section 4.4), with a secret
	 * that Cognito makes and keeps. It costs some $6 a month.
	 */
	addReader(): UserPoolClient {
		const read = new ResourceServerScope({
			scopeName: READ_ACCESS,
			scopeDescription: "Look at every device",
		});
		const server = this.pool.addResourceServer("Api", {
			identifier: RESOURCE_SERVER,
			userPoolResourceServerName: RESOURCE_SERVER,
			scopes: [read],
		});
		const client = new UserPoolClient(this, "ReaderClient", {
			userPool: this.pool,
			userPoolClientName: `${STACK_NAME}-reader`,
			generateSecret: true,
			oAuth: {
				flows: { clientCredentials: true },
				scopes: [OAuthScope.resourceServer(server, read)],
			},
			supportedIdentityProviders: [UserPoolClientIdentityProvider.COGNITO],
			preventUserExistenceErrors: true,
			// Each token is paid for; a day of reading is what one that has been stolen is good for.
			accessTokenValidity: Duration.days(1),
		});
		withoutPasswords(client);
		return client;
	}

	/** Authorization code with PKCE (RFC 7636), and no secret: neither a page nor a command could keep one. */
	#client(id: string, name: string, address: string): UserPoolClient {
		const options: UserPoolClientOptions = {
			userPoolClientName: `${STACK_NAME}-${name}`,
			generateSecret: false,
			oAuth: {
				flows: { authorizationCodeGrant: true },
				scopes: [OAuthScope.OPENID, OAuthScope.EMAIL, OAuthScope.PROFILE],
				callbackUrls: [address],
				logoutUrls: [address],
			},
			supportedIdentityProviders: [UserPoolClientIdentityProvider.COGNITO],
			preventUserExistenceErrors: true,
			enableTokenRevocation: true,
			accessTokenValidity: Duration.hours(1),
			idTokenValidity: Duration.hours(1),
			refreshTokenValidity: Duration.days(30),
		};
		const client = new UserPoolClient(this, id, {
			userPool: this.pool,
			...options,
		});
		withoutPasswords(client);
		return client;
	}
}

/** Where no flow is named, Cognito would allow those by password, which nobody here uses. */
function withoutPasswords({ node }: UserPoolClient): void {
	if (node.defaultChild instanceof CfnUserPoolClient) {
		node.defaultChild.explicitAuthFlows = ["ALLOW_REFRESH_TOKEN_AUTH"];
	}
}
