/** How Grafana asks the API of the stack that is deployed: by a client of its own in the user pool. */
import {
	CognitoIdentityProviderClient,
	DescribeUserPoolClientCommand,
} from "@aws-sdk/client-cognito-identity-provider";
import { OUTPUTS, READ_SCOPE } from "../../cloud/aws/names.ts";
import type {
	ApiSourceOptions,
	ClientCredentials,
} from "../grafana/api-source.ts";
import { AwsError, awsError } from "./errors.ts";
import { readStackOutputs, requireOutput } from "./stack-outputs.ts";

export interface GrafanaAccess extends ApiSourceOptions {
	readonly auth: ClientCredentials;
}

/**
 * With the credentials and in the region that AWS's own tools would use.
 * @param withSecret whether to ask Cognito for the client's secret; "" stands in its place otherwise
 * @throws AwsError when the stack has no such client, or AWS does not say
 */
export async function readGrafanaAccess(
	withSecret: boolean,
): Promise<GrafanaAccess> {
	const outputs = await readStackOutputs();
	const { grafanaClientId: clientId } = outputs;
	if (clientId === undefined) {
		throw new AwsError(
			`The stack has no output ${OUTPUTS.grafanaClientId}: Grafana has no client there to ask the API by. Deploy it with \`make deploy CONTEXT="-c grafana=true -c grafanaSignIn=sso"\`; with a database of rows, dashboards ask that.`,
		);
	}
	const poolId = requireOutput(outputs, "userPoolId");
	return {
		url: requireOutput(outputs, "apiUrl"),
		auth: {
			// https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html
			tokenUrl: `${requireOutput(outputs, "signInUrl")}/oauth2/token`,
			clientId,
			clientSecret: withSecret ? await readSecret(poolId, clientId) : "",
			scope: READ_SCOPE,
		},
	};
}

/** https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_DescribeUserPoolClient.html */
async function readSecret(poolId: string, clientId: string): Promise<string> {
	const client = new CognitoIdentityProviderClient({});
	try {
		const { UserPoolClient } = await client.send(
			new DescribeUserPoolClientCommand({
				UserPoolId: poolId,
				ClientId: clientId,
			}),
		);
		const secret = UserPoolClient?.ClientSecret;
		if (secret !== undefined) return secret;
	} catch (error) {
		throw awsError("read the secret of Grafana's client", error);
	} finally {
		client.destroy();
	}
	throw new AwsError(
		`The client ${clientId} of the user pool has no secret: another version of this software deployed it. Deploy it anew with \`make deploy\`.`,
	);
}
