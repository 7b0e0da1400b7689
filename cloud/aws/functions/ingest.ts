/** Lambda's entry: blocks and events, from the queue that the rules fill. */
import { Alerts } from "../../core/alerts/alerts.ts";
import type { Notifier } from "../../core/alerts/ports.ts";
import { LiveHub } from "../../core/live-hub.ts";
import { readEnvironment } from "../environment.ts";
import { ingestHandler } from "../ingest.ts";
import { consoleLog, describeError } from "../log.ts";
import { openStores, systemClock } from "../runtime.ts";

const stores = openStores(readEnvironment("ingest", process.env));

/** What is to be said rests in the table of records, whose stream wakes who says it. */
const nobody: Notifier = {
	kinds: [],
	deliver: async () => ({
		result: "retry",
		error: "This function delivers nothing.",
	}),
};

const alerts = new Alerts({
	stores,
	hub: new LiveHub(),
	clock: systemClock,
	notifier: nobody,
	onError: (error) => consoleLog.error("not_judged", describeError(error)),
});

export const handler = ingestHandler({
	stores,
	clock: systemClock,
	log: consoleLog,
	onBlock: alerts.onBlock,
});
