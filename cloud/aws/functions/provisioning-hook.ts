/** Lambda's entry: whether a node may become a thing. AWS IoT waits for 5 s at most. */
import { IoTClient } from "@aws-sdk/client-iot";
import { iotRotationJobs } from "../adapters/iot/rotation-jobs.ts";
import { readEnvironment } from "../environment.ts";
import { consoleLog } from "../log.ts";
import { provisioningHookHandler } from "../provisioning-hook.ts";
import { dynamoClient, openRecords, systemClock } from "../runtime.ts";

const REQUEST_TIMEOUT_MS = 500;

const { claims, devices, replacements } = openRecords(
	readEnvironment("provisioning-hook", process.env),
	dynamoClient(REQUEST_TIMEOUT_MS),
);

export const handler = provisioningHookHandler({
	claims,
	rotations: iotRotationJobs(new IoTClient({ maxAttempts: 2 })),
	devices,
	replacements,
	clock: systemClock,
	log: consoleLog,
});
