/** Where a Cognito user pool keeps what signing in needs. */

export interface UserPool {
	/** "REGION_ID", such as "eu-central-1_aBcDeFgHi". */
	readonly poolId: string;
	/** App clients whose tokens are taken; the first is the page's. */
	readonly clientIds: readonly [string, ...string[]];
	/** The app client of the program that may read, by client credentials (RFC 6749 section 4.4); null where there is none. */
	readonly readerClientId: string | null;
	/** Base address of the pool's domain, where people sign in: "https://NAME.auth.REGION.amazoncognito.com". */
	readonly signInUrl: string;
}

/**
 * The `iss` of a pool's tokens.
 * https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
 */
export function issuerOf(poolId: string): string {
	const region = poolId.split("_", 1)[0];
	return `https://cognito-idp.${region}.amazonaws.com/${poolId}`;
}
