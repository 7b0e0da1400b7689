/** What the stack on AWS says once it is deployed: addresses, tables, and who signs people in. */
import {
	CloudFormationClient,
	DescribeStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { OUTPUTS, STACK_NAME } from "../../cloud/aws/names.ts";
import { AwsError, awsError } from "./errors.ts";

export type StackOutputs = Readonly<
	Partial<Record<keyof typeof OUTPUTS, string>>
>;

/**
 * Asks CloudFormation, with the credentials and in the region that AWS's own tools would use.
 * @throws AwsError when there is no such stack, or no way to ask
 */
export async function readStackOutputs(): Promise<StackOutputs> {
	const client = new CloudFormationClient({});
	try {
		const { Stacks: [stack] = [] } = await client.send(
			new DescribeStacksCommand({ StackName: STACK_NAME }),
		);
		const byKey = new Map(
			stack?.Outputs?.map(({ OutputKey, OutputValue }) => [
				OutputKey,
				OutputValue,
			]),
		);
		return Object.fromEntries(
			Object.entries(OUTPUTS).flatMap(([name, key]) => {
				const value = byKey.get(key);
				return value === undefined ? [] : [[name, value]];
			}),
		);
	} catch (error) {
		// What CloudFormation says of a stack that is not there: ValidationError, "Stack with id … does not exist".
		if (error instanceof Error && error.message.includes("does not exist")) {
			const region = await client.config.region();
			throw new AwsError(
				`There is no stack "${STACK_NAME}" in ${region}. Deploy it with \`make deploy\`, or set AWS_REGION to where it is.`,
				{ cause: error },
			);
		}
		throw awsError("read the stack's outputs", error);
	} finally {
		client.destroy();
	}
}

/** @throws AwsError when the stack that is deployed does not say it */
export function requireOutput(
	outputs: StackOutputs,
	name: keyof typeof OUTPUTS,
): string {
	const value = outputs[name];
	if (value === undefined) {
		throw new AwsError(
			`The stack "${STACK_NAME}" has no output ${OUTPUTS[name]}: another version of this software deployed it. Deploy it anew with \`make deploy\`.`,
		);
	}
	return value;
}
