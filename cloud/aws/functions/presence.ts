/** Lambda's entry: lifecycle events of connections, from their queue. */
import { readEnvironment } from "../environment.ts";
import { consoleLog } from "../log.ts";
import { presenceHandler } from "../presence.ts";
import { openRecords, systemClock } from "../runtime.ts";

const { presence, deadLetters } = openRecords(
	readEnvironment("presence", process.env),
);

export const handler = presenceHandler({
	presence,
	deadLetters,
	clock: systemClock,
	log: consoleLog,
});
