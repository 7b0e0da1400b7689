import assert from "node:assert/strict";
import type { AlertState } from "../core/alerts/ports.ts";
import { DAY } from "../core/contracts/fixtures.ts";
import { StoreError } from "../core/ports.ts";
import { lambdaContext, streamEvent } from "./fakes/events.ts";
import { recordingStores } from "./fakes/items.ts";
import { type MemoryLog, memoryLog } from "./fakes/memory-log.ts";
import { notifyHandler } from "./notify.ts";

function stateOf(device: string, version: number, isFull = true): AlertState {
	const ruleId = "00000000000000a1";
	return {
		ruleId,
		device,
		status: "firing",
		sinceMs: DAY,
		judgedToMs: DAY,
		judgedBy: "above 6",
		value: 7,
		unit: "°C",
		outbox: isFull
			? [
					{
						id: `e-${device}`,
						ruleId,
						ruleName: "Too warm",
						device,
						status: "firing",
						atMs: DAY,
						value: 7,
						unit: "°C",
						text: `${device} is too warm.`,
						deliveries: [],
					},
				]
			: [],
		dueMs: isFull ? DAY : null,
		version,
	};
}

describe("The notify function", () => {
	let log: MemoryLog;
	let delivered: string[];
	let failing: Set<string>;

	beforeEach(() => {
		log = memoryLog();
		delivered = [];
		failing = new Set();
	});

	async function handle(
		states: readonly AlertState[],
		remainingMs = 30_000,
	): Promise<string[]> {
		const { stores, items } = recordingStores({ nowMs: () => DAY });
		for (const state of states) await stores.alerts.putState(state);
		const run = notifyHandler({
			alerts: {
				async deliver(ruleId, device) {
					if (failing.has(device)) {
						throw new StoreError("throttled", "Not now.");
					}
					delivered.push(`${ruleId}/${device}`);
				},
			},
			log,
		});
		const changes = items.map((item) => ({
			eventName: "MODIFY" as const,
			item,
		}));
		const response = await run(
			streamEvent("records", changes),
			lambdaContext("notify", () => remainingMs),
		);
		return response.batchItemFailures.map((one) => one.itemIdentifier);
	}

	it("delivers what the states have to say that have changed", async () => {
		const states = ["boiler", "roof"].map((device) => stateOf(device, 2));
		assert.deepEqual(await handle(states), []);
		assert.deepEqual(delivered, [
			"00000000000000a1/boiler",
			"00000000000000a1/roof",
		]);
	});

	it("delivers of a state once, however often it has changed in a batch", async () => {
		await handle([2, 3, 4].map((version) => stateOf("boiler", version)));
		assert.equal(delivered.length, 1);
	});

	it("has nothing to do with states that have nothing to say", async () => {
		await handle([stateOf("boiler", 2, false)]);
		assert.deepEqual(delivered, []);
	});

	it("has come again, from its first record on, what could not be delivered", async () => {
		failing.add("roof");
		const states = [
			stateOf("boiler", 2),
			stateOf("roof", 2),
			stateOf("roof", 3),
			stateOf("shed", 2),
		];
		assert.deepEqual(await handle(states), ["101"]);
		assert.equal(delivered.length, 2);
		const [line] = log.of("not_delivered");
		assert.deepEqual([line?.device, line?.code], ["roof", "throttled"]);
		assert.equal(log.of("batch")[0]?.failed, 1);
	});

	it("begins nothing when there is too little time left", async () => {
		assert.deepEqual(await handle([stateOf("boiler", 2)], 4000), ["100"]);
		assert.deepEqual(delivered, []);
	});
});
