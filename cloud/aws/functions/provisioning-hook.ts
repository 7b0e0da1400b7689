/** Lambda's entry: whether a node may become a thing. AWS IoT waits for 5 s at most. */
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
	devices,
	replacements,
	clock: systemClock,
	log: consoleLog,
});
