/** Lambda's entry: events of connections and of job executions, and what nodes say as they start, from their queue. */
import { IoTClient } from "@aws-sdk/client-iot";
import { forbidRotation } from "../../core/claims.ts";
import { retireReplaced } from "../../core/replacements.ts";
import { noteFirmware } from "../adapters/iot/thing-attributes.ts";
import { revokeCertificate } from "../adapters/iot/thing-remover.ts";
import { readEnvironment } from "../environment.ts";
import { consoleLog } from "../log.ts";
import { presenceHandler } from "../presence.ts";
import { openRecords, systemClock } from "../runtime.ts";

const {
	presence,
	devices,
	latestExecutions,
	deadLetters,
	replacements,
	claims,
} = openRecords(readEnvironment("presence", process.env));
const iot = new IoTClient({});

export const handler = presenceHandler({
	presence,
	latestExecutions,
	deadLetters,
	async onConnected(thing, certificateId) {
		const retired = await retireReplaced(
			replacements,
			(id) => revokeCertificate(iot, id),
			thing,
			certificateId,
			systemClock.nowMs(),
		);
		if (retired.length > 0)
			consoleLog.info("certificates_retired", {
				thing,
				certificateId,
				retired,
			});
	},
	bootOf: async (thing) => (await devices.get(thing))?.boot ?? null,
	onBoot: (thing, boot) => noteFirmware(iot, thing, boot),
	onExecutionEnded: (thing) => forbidRotation(claims, thing),
	clock: systemClock,
	log: consoleLog,
});
