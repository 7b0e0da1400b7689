/**
 * What bundles have in place of `@aws-sdk/credential-provider-node`, which knows nine places where credentials may be and
 * brings four SDK clients along to look there. For a function there is one, its environment:
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html ("Defined runtime environment variables").
 */

export interface Credentials {
	readonly accessKeyId: string;
	readonly secretAccessKey: string;
	readonly sessionToken?: string;
}

/** Named as the SDK's: its clients ask it when they are given no credentials. */
export function defaultProvider(): () => Promise<Credentials> {
	return async () => {
		const { env } = process;
		const accessKeyId = env.AWS_ACCESS_KEY_ID;
		const secretAccessKey = env.AWS_SECRET_ACCESS_KEY;
		const sessionToken = env.AWS_SESSION_TOKEN;
		if (!accessKeyId || !secretAccessKey) {
			throw new Error(
				"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: outside Lambda, somebody has to.",
			);
		}
		return {
			accessKeyId,
			secretAccessKey,
			...(sessionToken ? { sessionToken } : {}),
		};
	};
}
