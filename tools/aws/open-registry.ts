/** The registry of things of the stack that is deployed, and where its nodes reach the broker. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
	DescribeEndpointCommand,
	IoTClient,
	type IoTClientConfig,
} from "@aws-sdk/client-iot";
import { dynamoDevices } from "../../cloud/aws/adapters/dynamodb/devices.ts";
import { Table } from "../../cloud/aws/adapters/dynamodb/table.ts";
import { IotRegistry } from "../../cloud/aws/adapters/iot/registry.ts";
import type {
	ClaimRegistry,
	ThingRegistry,
} from "../../cloud/core/thing-registry.ts";
import { amazonRootPem } from "./amazon-root.ts";
import { AwsError, awsError } from "./errors.ts";
import { readStackOutputs, requireOutput } from "./stack-outputs.ts";

export interface OpenRegistry {
	readonly registry: ThingRegistry & ClaimRegistry;
	/** Of the account's data endpoint: `….iot.REGION.amazonaws.com`. */
	readonly endpointHost: string;
	close(): void;
}

/**
 * Lists have thousands of things, and AWS IoT takes ten to fifteen requests a second of most kinds: who is told to slow down does, and asks
 * again for longer than the SDK's three attempts, unless the environment says how often.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export function patience(
	environment: NodeJS.ProcessEnv = process.env,
): IoTClientConfig {
	return {
		retryMode: "adaptive",
		...(environment.AWS_MAX_ATTEMPTS === undefined ? { maxAttempts: 10 } : {}),
	};
}

/** @throws AwsError */
export async function openIotRegistry(): Promise<OpenRegistry> {
	const outputs = await readStackOutputs();
	const iot = new IoTClient(patience());
	const dynamo = new DynamoDBClient({});
	const close = () => {
		iot.destroy();
		dynamo.destroy();
	};
	try {
		const { endpointAddress } = await iot.send(
			new DescribeEndpointCommand({ endpointType: "iot:Data-ATS" }),
		);
		if (endpointAddress === undefined) {
			throw new AwsError("AWS IoT did not say where its data endpoint is.");
		}
		const registry = new IotRegistry({
			client: iot,
			authorityPem: amazonRootPem(),
			devices: dynamoDevices(
				new Table(dynamo, requireOutput(outputs, "recordsTable")),
			),
			clock: { nowMs: () => Date.now() },
		});
		return { registry, endpointHost: endpointAddress, close };
	} catch (error) {
		close();
		if (error instanceof AwsError) throw error;
		throw awsError("ask AWS IoT for its endpoint", error);
	}
}
