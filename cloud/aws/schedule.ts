/**
 * What the schedule function does, once a minute: delivers what is due, looks for devices that are silent, and brings
 * rollups up to date for as long as there is time. Deliveries come first: a sweep takes the longer the larger the fleet
 * is, and what it finds is told by the notify function.
 */
import type { Context } from "aws-lambda";
import type { Alerts } from "../core/alerts/alerts.ts";
import type { Rollups } from "../core/rollups.ts";
import { describeError, type Log } from "./log.ts";

/** Nothing more is begun when so little is left of the invocation: a slice of rollups takes a second or two, ms. */
const MARGIN_MS = 10_000;
/** As often as that, slices of rollups may fail: they are of different devices, but the store is one. */
const MAX_SLICES_FAILED = 3;

/** Some of what was to be done could not be; it is tried again with the next run. */
export class ScheduleFailed extends Error {
	override readonly name = "ScheduleFailed";
	readonly code = "schedule_failed";
}

export function scheduleHandler(deps: {
	readonly alerts: Pick<Alerts, "sweep" | "deliverDue">;
	readonly rollups: Pick<Rollups, "refreshSome">;
	readonly log: Log;
}): (event: unknown, context: Context) => Promise<void> {
	const { alerts, rollups, log } = deps;
	return async (_event, context) => {
		const hasTime = () => context.getRemainingTimeInMillis() > MARGIN_MS;
		const errors: unknown[] = [];

		/** @returns how often `step` was done; it is repeated while it says that there may be more */
		async function repeat(
			what: string,
			step: () => Promise<boolean>,
			maxFailures = 1,
		): Promise<number> {
			let [times, failures] = [0, 0];
			for (let isMore = true; isMore && hasTime(); ) {
				try {
					isMore = await step();
					times++;
				} catch (error) {
					errors.push(error);
					log.error(`${what}_failed`, describeError(error));
					isMore = ++failures < maxFailures;
				}
			}
			return times;
		}

		await repeat("deliveries", () => alerts.deliverDue());
		await repeat("sweep", async () => {
			await alerts.sweep();
			return false;
		});
		const slices = await repeat(
			"rollups",
			() => rollups.refreshSome(),
			MAX_SLICES_FAILED,
		);
		const fields = { slices, leftMs: context.getRemainingTimeInMillis() };
		if (errors.length === 0) {
			log.info("scheduled", fields);
			return;
		}
		log.warn("scheduled", { ...fields, failures: errors.length });
		// So that it counts as failed: the alarm on errors of functions is what tells people.
		throw new ScheduleFailed(
			`${errors.length} of what was to be done could not be; it is tried again in a minute.`,
			{ cause: errors[0] },
		);
	};
}
