/** The people of the stack that is deployed: those of its user pool, and what its table of records shares with them. */
import { CognitoIdentityProviderClient } from "@aws-sdk/client-cognito-identity-provider";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CognitoPeople } from "../../cloud/aws/adapters/cognito/people.ts";
import { dynamoRecords } from "../../cloud/aws/adapters/dynamodb/stores.ts";
import { readStackOutputs, requireOutput } from "./stack-outputs.ts";

export interface OpenPeople {
	readonly people: CognitoPeople;
	/** Where they sign in, `https://…`: Cognito's invitation does not say it. */
	readonly pageUrl: string;
	close(): void;
}

/** With the credentials and in the region that AWS's own tools would use. @throws AwsError */
export async function openCognitoPeople(): Promise<OpenPeople> {
	const outputs = await readStackOutputs();
	const poolId = requireOutput(outputs, "userPoolId");
	const pageUrl = requireOutput(outputs, "pageUrl");
	const tables = { records: requireOutput(outputs, "recordsTable") };
	const client = new CognitoIdentityProviderClient({});
	const dynamo = new DynamoDBClient({});
	const records = dynamoRecords({
		client: dynamo,
		tables,
	});
	return {
		people: new CognitoPeople({ client, poolId, ...records }),
		pageUrl,
		close: () => {
			client.destroy();
			dynamo.destroy();
		},
	};
}
