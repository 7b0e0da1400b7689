import { RowFeed } from "../core/row-feed.ts";
import { InfluxRows } from "../influxdb/influx-rows.ts";
import { type InfluxTarget, influxName } from "../influxdb/influx-target.ts";
import type { LocalCloud } from "./cloud.ts";
import { RowExport } from "./row-export.ts";

/** Begins to write rows to an InfluxDB: all that has been stored, and from then on what comes. */
export function exportToInflux(
	{ stores, hub }: Pick<LocalCloud, "stores" | "hub">,
	target: InfluxTarget,
	log: (text: string) => void,
): { stop(): Promise<void> } {
	const rows = new InfluxRows(target);
	const name = influxName(target);
	const work = new RowExport({
		name,
		arrivals: stores.arrivals,
		feed: new RowFeed({ stores, rows }),
		hub,
		timers: {
			after(delayMs, run) {
				const timer = setTimeout(run, delayMs);
				return () => clearTimeout(timer);
			},
		},
		onMissing: () => rows.createDatabase(),
		log,
	});
	work.start();
	return {
		stop() {
			const stopped = work.stop();
			// What is cut off is written again next time.
			rows.close();
			return stopped;
		},
	};
}
