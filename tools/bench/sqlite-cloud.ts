/** A cloud's core on SQLite in a folder of its own, without broker and network. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ingest } from "../../cloud/core/ingest.ts";
import { LiveHub } from "../../cloud/core/live-hub.ts";
import { Queries } from "../../cloud/core/queries.ts";
import { Rollups } from "../../cloud/core/rollups.ts";
import {
	type OpenStores,
	openStores,
} from "../../cloud/local/sqlite/stores.ts";
import { blockTopic } from "../../protocol/topics.ts";

export interface SqliteCloud {
	readonly dir: string;
	readonly stores: OpenStores;
	readonly rollups: Rollups;
	readonly queries: Queries;
	/** Takes in blocks as fast as the store takes them, `atOnce` of them waiting at a time. */
	ingest(
		thing: string,
		blocks: Iterable<Uint8Array>,
		atOnce: number,
	): Promise<void>;
	/** Closes the stores and opens them again: what was in the process's memory is gone. */
	reopen(): Promise<SqliteCloud>;
	close(): Promise<void>;
}

export async function openSqliteCloud(dir?: string): Promise<SqliteCloud> {
	const folder = dir ?? (await mkdtemp(join(tmpdir(), "thinghz-bench-")));
	const stores = await openStores(folder);
	const clock = { nowMs: () => Date.now() };
	const ingest = new Ingest({ stores, hub: new LiveHub(), clock });
	const rollups = new Rollups({
		stores,
		clock,
		timers: { after: () => () => undefined },
		onError: (error) => {
			throw error;
		},
	});
	return {
		dir: folder,
		stores,
		rollups,
		queries: new Queries({ stores, rollups }),
		async ingest(thing, blocks, atOnce) {
			const topic = blockTopic(thing);
			let waiting: Promise<unknown>[] = [];
			for (const payload of blocks) {
				waiting.push(ingest.accept({ thing, topic, payload }));
				if (waiting.length < atOnce) continue;
				await Promise.all(waiting);
				waiting = [];
			}
			await Promise.all(waiting);
		},
		async reopen() {
			await stores.close();
			return openSqliteCloud(folder);
		},
		async close() {
			await stores.close();
			await rm(folder, { recursive: true });
		},
	};
}
