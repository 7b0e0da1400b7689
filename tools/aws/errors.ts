/** What goes wrong between the command and AWS, as a sentence for people. */

export class AwsError extends Error {
	override readonly name = "AwsError";
	readonly code = "aws";
}

/** Errors of the SDK that say: nobody told it who is asking. */
const NO_CREDENTIALS = [
	"CredentialsProviderError",
	"ExpiredToken",
	"ExpiredTokenException",
	"UnrecognizedClientException",
	"InvalidClientTokenId",
];

/** @param what "read the stack's outputs" */
export function awsError(what: string, cause: unknown): AwsError {
	const { name, message } = cause as Error;
	if (message.includes("Region is missing")) {
		return new AwsError(
			`Could not ${what}: no region is set. Set AWS_REGION, or one for your profile with \`aws configure\`.`,
			{ cause },
		);
	}
	if (NO_CREDENTIALS.includes(name)) {
		return new AwsError(
			`Could not ${what}: AWS does not know who is asking (${message}). Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in with \`aws sso login\`.`,
			{ cause },
		);
	}
	return new AwsError(`Could not ${what}: ${name}: ${message}`, { cause });
}
