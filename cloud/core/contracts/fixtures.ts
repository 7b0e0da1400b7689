/** Encoded blocks and what receives them, for tests. */
import {
	type BlockInput,
	type Channel,
	MISSING,
} from "../../../protocol/block.ts";
import { encodeBlock, maxEncodedSize } from "../../../protocol/encode.ts";
import { blockTopic } from "../../../protocol/topics.ts";
import { type MemoryStores, memoryStores } from "../fakes/memory-stores.ts";
import { type IncomingMessage, Ingest } from "../ingest.ts";
import { LiveHub } from "../live-hub.ts";
import type { Stores } from "../ports.ts";
import { Queries } from "../queries.ts";
import { Rollups } from "../rollups.ts";
import { type MovableClock, movableClock } from "./movable-clock.ts";

export const JOURNAL = "00000000000000a1";
/** A whole hour and day, UTC. */
export const DAY = 19_700 * 86_400_000;

export function gauge(id: string, exponent = 0): Channel {
	return { id, unit: "°C", exponent, kind: "gauge" };
}

export function counter(id: string, exponent = 0): Channel {
	return { id, unit: "Wh", exponent, kind: "counter" };
}

/** A block of one channel "t" that starts at `DAY` + `startUptimeMs`; null stands for a missing sample. */
export function blockOf(
	samples: readonly (number | null)[],
	changes: Partial<BlockInput> = {},
): Uint8Array {
	const column = Int32Array.from(samples, (value) => value ?? MISSING);
	const input: BlockInput = {
		journalId: JOURNAL,
		boot: 1,
		sequence: 1,
		live: false,
		startUptimeMs: 0,
		intervalMs: 1000,
		sampleCount: samples.length,
		clock: { bootTimeMs: DAY, source: "network" },
		channels: [gauge("t")],
		columns: [column],
		...changes,
	};
	const out = new Uint8Array(
		maxEncodedSize(input.channels.length, input.sampleCount),
	);
	return out.slice(0, encodeBlock(input, out));
}

export function blockMessage(
	payload: Uint8Array,
	thing = "boiler",
): IncomingMessage {
	return { thing, topic: blockTopic(thing), payload };
}

/** A cloud's core on stores in memory, with a clock that stands still until it is set. */
export interface TestCloud<Kind extends Stores> {
	readonly stores: Kind;
	readonly hub: LiveHub;
	readonly ingest: Ingest;
	readonly rollups: Rollups;
	readonly queries: Queries;
	readonly clock: MovableClock;
	/** Takes in blocks, one after the other. */
	accept(...payloads: readonly Uint8Array[]): Promise<void>;
}

export function testCloud(): TestCloud<MemoryStores> {
	return cloudOn(memoryStores());
}

export function cloudOn<Kind extends Stores>(
	stores: Kind,
	clock = movableClock(DAY + 10 * 86_400_000),
): TestCloud<Kind> {
	const hub = new LiveHub();
	const ingest = new Ingest({ stores, hub, clock });
	const rollups = new Rollups({
		stores,
		clock,
		timers: { after: () => () => undefined },
		onError: (error) => {
			throw error;
		},
	});
	return {
		stores,
		hub,
		ingest,
		rollups,
		queries: new Queries({ stores, rollups }),
		clock,
		async accept(...payloads) {
			for (const payload of payloads)
				await ingest.accept(blockMessage(payload));
		},
	};
}
