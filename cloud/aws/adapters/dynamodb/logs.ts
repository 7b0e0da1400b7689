/**
 * Logs and crashes of nodes on DynamoDB. A line is an item of its device's partition. A crash is an item of the one partition of all,
 * which is few a second at worst, by device and boot; in the index it is found by when it was told.
 */
import {
	CRASH_RETENTION_MS,
	type CrashPosition,
	type KeptCrash,
	type KeptLine,
	type LinePosition,
	LOG_RETENTION_MS,
	type LogStore,
} from "../../../core/node-logs.ts";
import { AFTER, hex8, Retention, timeKey } from "./block-keys.ts";
import { inParallel } from "./parallel.ts";
import { allOf, OTHER_INDEX, SEPARATOR } from "./records.ts";
import { type Item, json, keyOf, type Table, take } from "./table.ts";

const CRASHES = "crash";
/** Of crashes in the index, by when they were told. */
const TOLD = "told";

export function dynamoLogs(table: Table): LogStore {
	const lineRetention = new Retention(LOG_RETENTION_MS);
	const crashRetention = new Retention(CRASH_RETENTION_MS);
	return {
		async addLines(device, lines) {
			await inParallel(lines, (line) =>
				table.putNew({
					p: { S: linesOf(device) },
					s: { S: lineKey(line) },
					json: { S: JSON.stringify(line) },
					...lineRetention.after(line.receivedMs),
				}),
			);
		},
		async lines(device, { limit, after }) {
			if (limit < 1) return [];
			const pages = table.query({
				...allOf(linesOf(device)),
				...(after === undefined ? {} : { to: lineKey(after) }),
				newestFirst: true,
				// One more, since `after` itself is among those up to it.
				limit: after === undefined ? limit : limit + 1,
			});
			const afterKey = after === undefined ? null : lineKey(after);
			return take(pages, limit, (item) =>
				keyOf(item).sort === afterKey ? null : json<KeptLine>(item, "json"),
			);
		},

		async addCrash(crash) {
			await table.putNew({
				p: { S: CRASHES },
				s: { S: crashKey(crash) },
				g: { S: TOLD },
				k: { S: toldKey(crash) },
				json: { S: JSON.stringify(crash) },
				...crashRetention.after(crash.toldMs),
			});
		},
		async crashes({ limit, after, device }) {
			if (limit < 1) return [];
			const afterKey = after === undefined ? null : crashKey(after);
			const most = after === undefined ? limit : limit + 1;
			if (device !== undefined) {
				const pages = table.query({
					...allOf(CRASHES, `${device}${SEPARATOR}`),
					...(afterKey === null ? {} : { to: afterKey }),
					newestFirst: true,
					limit: most,
				});
				return take(pages, limit, (item) =>
					keyOf(item).sort === afterKey ? null : toCrash(item),
				);
			}
			const pages = table.queryIndex(OTHER_INDEX, {
				partition: TOLD,
				sort: {
					name: "k",
					to: { S: after === undefined ? AFTER : toldKey(after) },
				},
				newestFirst: true,
				limit: most,
			});
			const keys = await take(pages, limit, (item) => {
				const key = keyOf(item);
				return key.sort === afterKey ? null : key;
			});
			const crashes = (await table.getMany(keys)).map(toCrash);
			return crashes.sort((a, b) => (toldKey(a) < toldKey(b) ? 1 : -1));
		},
		async removeThing(device) {
			for (const range of [
				allOf(linesOf(device)),
				allOf(CRASHES, `${device}${SEPARATOR}`),
			]) {
				const pages = table.query({ ...range, attributes: ["p", "s"] });
				for await (const page of pages)
					await inParallel(page, (item) => table.delete(keyOf(item)));
			}
		},
	};
}

function toCrash(item: Item): KeptCrash {
	return json<KeptCrash>(item, "json");
}

function linesOf(device: string): string {
	return `log${SEPARATOR}${device}`;
}

function lineKey({ boot, number }: LinePosition): string {
	return `${hex8(boot)}.${hex8(number)}`;
}

function crashKey({ device, boot, uptimeMs }: CrashPosition): string {
	return `${device}${SEPARATOR}${hex8(boot)}.${uptimeKey(uptimeMs)}`;
}

function toldKey(crash: CrashPosition): string {
	return `${timeKey(crash.toldMs)}${SEPARATOR}${crashKey(crash)}`;
}

function uptimeKey(uptimeMs: number | null): string {
	return String(uptimeMs ?? 0).padStart(16, "0");
}
