/** Lambda's entry: once a minute, from EventBridge Scheduler. */
import { Alerts } from "../../core/alerts/alerts.ts";
import { deviceLink } from "../../core/alerts/link.ts";
import { LiveHub } from "../../core/live-hub.ts";
import { Rollups } from "../../core/rollups.ts";
import { readEnvironment } from "../environment.ts";
import { consoleLog, describeError } from "../log.ts";
import { openNotifier } from "../open-notifier.ts";
import { openStores, systemClock } from "../runtime.ts";
import { scheduleHandler } from "../schedule.ts";

const environment = readEnvironment("schedule", process.env);
const stores = openStores(environment);

const alerts = new Alerts({
	stores,
	hub: new LiveHub(),
	clock: systemClock,
	notifier: openNotifier({
		environment,
		store: stores.alerts,
		clock: systemClock,
		log: consoleLog,
	}),
	onError: (error) => consoleLog.error("not_judged", describeError(error)),
	linkTo: (device) => deviceLink(environment.pageUrl, device),
});

const rollups = new Rollups({
	stores,
	clock: systemClock,
	// Nothing goes on between invocations: the handler counts slice after slice.
	timers: { after: () => () => undefined },
	onError: (error) => consoleLog.error("not_counted", describeError(error)),
});

export const handler = scheduleHandler({ alerts, rollups, log: consoleLog });
