/** Lambda's entry: events of connections and of job executions, from their queue. */
import { readEnvironment } from "../environment.ts";
import { consoleLog } from "../log.ts";
import { presenceHandler } from "../presence.ts";
import { openRecords, systemClock } from "../runtime.ts";

const { presence, latestExecutions, deadLetters } = openRecords(
	readEnvironment("presence", process.env),
);

export const handler = presenceHandler({
	presence,
	latestExecutions,
	deadLetters,
	clock: systemClock,
	log: consoleLog,
});
