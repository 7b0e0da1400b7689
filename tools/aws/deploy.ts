/**
 * `make deploy`: synthesizes the stack and gives it to CloudFormation by the locked CDK command, which asks before it
 * widens what anybody may do, and then has AWS IoT publish what the stack's rules listen for. Arguments are those of
 * `make synth`.
 */
import { spawnSync } from "node:child_process";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { IoTClient } from "@aws-sdk/client-iot";
import { STACK_NAME } from "../../cloud/aws/names.ts";
import { enableJobEvents } from "./enable-job-events.ts";
import { AwsError, awsError } from "./errors.ts";

await orFail(findCredentials());
run(
	"node_modules/.bin/tsx",
	"cloud/aws/stack/main.ts",
	...process.argv.slice(2),
);
// What `make synth` wrote is deployed as it is: nothing is synthesized a second time.
run("node_modules/.bin/cdk", "deploy", "--app", "dist/cdk.out", STACK_NAME);
await orFail(listenToJobs());

async function orFail(step: Promise<void>): Promise<void> {
	try {
		await step;
	} catch (error) {
		if (!(error instanceof AwsError)) throw error;
		console.error(error.message);
		process.exit(1);
	}
}

/** @throws AwsError */
async function listenToJobs(): Promise<void> {
	const client = new IoTClient({});
	try {
		if (await enableJobEvents(client)) {
			console.log("AWS IoT now publishes an event when a job ends on a thing.");
		}
	} catch (error) {
		throw awsError(
			"have AWS IoT publish the events of jobs (iot:UpdateEventConfigurations)",
			error,
		);
	} finally {
		client.destroy();
	}
}

/** Before a synthesis that would be for nothing. @throws AwsError when nobody is signed in to AWS */
async function findCredentials(): Promise<void> {
	const client = new CloudFormationClient({ region: "us-east-1" });
	try {
		await client.config.credentials();
	} catch (error) {
		throw awsError(`deploy the stack "${STACK_NAME}"`, error);
	} finally {
		client.destroy();
	}
}

function run(command: string, ...args: readonly string[]): void {
	const { status, error } = spawnSync(command, args, { stdio: "inherit" });
	if (error !== undefined) throw error;
	if (status !== 0) process.exit(status ?? 1);
}
