/** Lambda's entry: events of connections and of job executions, from their queue. */
import { IoTClient } from "@aws-sdk/client-iot";
import { retireReplaced } from "../../core/replacements.ts";
import { revokeCertificate } from "../adapters/iot/thing-remover.ts";
import { readEnvironment } from "../environment.ts";
import { consoleLog } from "../log.ts";
import { presenceHandler } from "../presence.ts";
import { openRecords, systemClock } from "../runtime.ts";

const { presence, latestExecutions, deadLetters, replacements } = openRecords(
	readEnvironment("presence", process.env),
);
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
		);
		if (retired.length > 0)
			consoleLog.info("certificates_retired", {
				thing,
				certificateId,
				retired,
			});
	},
	clock: systemClock,
	log: consoleLog,
});
