/** Lambda's entry: tells people of alerts, from the stream of the records table. */
import { Deliveries } from "../../core/alerts/deliveries.ts";
import { deviceLink } from "../../core/alerts/link.ts";
import { readEnvironment } from "../environment.ts";
import { consoleLog } from "../log.ts";
import { notifyHandler } from "../notify.ts";
import { openNotifier } from "../open-notifier.ts";
import { openRecords, systemClock } from "../runtime.ts";

const environment = readEnvironment("notify", process.env);
const { alerts: store } = openRecords(environment);

const deliveries = new Deliveries({
	store,
	notifier: openNotifier({
		environment,
		store,
		clock: systemClock,
		log: consoleLog,
	}),
	clock: systemClock,
	random: Math.random,
	linkTo: (device) => deviceLink(environment.pageUrl, device),
});

export const handler = notifyHandler({
	alerts: {
		async deliver(ruleId, device) {
			const state = await store.getState(ruleId, device);
			if (state !== null) await deliveries.deliver(state);
		},
	},
	log: consoleLog,
});
