import assert from "node:assert/strict";
import type { AlertState } from "../../../core/alerts/ports.ts";
import { blockOf, DAY, JOURNAL } from "../../../core/contracts/fixtures.ts";
import { streamEvent } from "../../fakes/events.ts";
import { recordingStores } from "../../fakes/items.ts";
import { bindingIn, blockIn, outboxIn } from "./stream.ts";

const clock = { nowMs: () => DAY };
const BLOCK = {
	thing: "boiler",
	journalId: JOURNAL,
	boot: 3,
	sequence: 0xffff_ffff,
	startMs: DAY,
	spanMs: 300_000,
	receivedMs: DAY + 300_500,
	bytes: blockOf([1, 2, 3]),
};
const STATE: AlertState = {
	ruleId: "00000000000000r1",
	device: "boiler",
	status: "firing",
	sinceMs: DAY,
	judgedToMs: DAY,
	judgedBy: "above 6",
	value: 7,
	unit: "°C",
	outbox: [],
	dueMs: null,
	version: 2,
};
const EVENT = {
	id: "e1",
	ruleId: STATE.ruleId,
	ruleName: "Too warm",
	device: "boiler",
	status: "firing",
	atMs: DAY,
	value: 7,
	unit: "°C",
	text: "boiler is too warm.",
	deliveries: [],
} as const;

/** The record of the stream that comes of what `put` puts into a table. */
async function recordOf(
	put: (stores: ReturnType<typeof recordingStores>["stores"]) => unknown,
	eventName: "INSERT" | "REMOVE" = "INSERT",
) {
	const { stores, items } = recordingStores(clock);
	await put(stores);
	const changes = items.map((item) => ({ eventName, item }));
	const record = streamEvent("any", changes).Records.at(-1);
	assert.ok(record);
	return record;
}

describe("A record of a table's stream", () => {
	for (const spanMs of [1000, 300_000, 3_600_000, 86_400_000]) {
		it(`gives the block that was stored, of ${spanMs} ms`, async () => {
			const block = { ...BLOCK, spanMs };
			const record = await recordOf(({ blocks }) => blocks.put([block]));
			const found = blockIn(record);
			assert.deepEqual(
				{ ...found, bytes: [...(found?.bytes ?? [])] },
				{ ...block, bytes: [...block.bytes] },
			);
			assert.equal(bindingIn(record), null);
			assert.equal(outboxIn(record), null);
		});
	}

	it("gives a block without a start", async () => {
		const block = { ...BLOCK, startMs: null };
		const record = await recordOf(({ blocks }) => blocks.put([block]));
		const found = blockIn(record);
		assert.equal(found?.startMs, null);
		assert.equal(found?.sequence, block.sequence);
		assert.deepEqual([...(found?.bytes ?? [])], [...block.bytes]);
	});

	it("gives a block that was not believed once: not what keeps its place", async () => {
		const { stores, items } = recordingStores(clock);
		await stores.blocks.put([{ ...BLOCK, startMs: null, stampedMs: DAY }]);
		const changes = items.map((item) => ({
			eventName: "INSERT" as const,
			item,
		}));
		const { Records } = streamEvent("any", changes);
		const found = Records.map(blockIn).filter((block) => block !== null);
		assert.deepEqual(
			[Records.length, found.length, found[0]?.startMs],
			[3, 1, null],
		);
	});

	it("gives a binding with its thing", async () => {
		const binding = {
			journalId: JOURNAL,
			boot: 3,
			fromUptimeMs: 5000,
			bootTimeMs: DAY,
		};
		const record = await recordOf(({ bindings }) =>
			bindings.add("boiler", binding),
		);
		assert.deepEqual(bindingIn(record), { thing: "boiler", binding });
		assert.equal(blockIn(record), null);
	});

	it("gives an alert's state that has something to deliver, and no other", async () => {
		const full = { ...STATE, outbox: [EVENT], dueMs: DAY };
		const told = await recordOf(({ alerts }) => alerts.putState(full));
		assert.deepEqual(outboxIn(told), full);
		assert.equal(blockIn(told), null);
		const quiet = await recordOf(({ alerts }) => alerts.putState(STATE));
		assert.equal(outboxIn(quiet), null);
	});

	it("gives nothing of what has been deleted, or of other items", async () => {
		const gone = await recordOf(({ blocks }) => blocks.put([BLOCK]), "REMOVE");
		assert.equal(blockIn(gone), null);
		const grant = await recordOf(({ grants }) => grants.grant("ada", "boiler"));
		assert.equal(blockIn(grant), null);
		assert.equal(bindingIn(grant), null);
		assert.equal(outboxIn(grant), null);
	});
});
