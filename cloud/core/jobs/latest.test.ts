import assert from "node:assert/strict";
import fc from "fast-check";
import {
	latestExecutionStoreContract,
	someExecution,
} from "../contracts/latest-execution-store.ts";
import { memoryLatestExecutions } from "../fakes/memory-latest-executions.ts";
import { memoryStores } from "../fakes/memory-stores.ts";
import { StoreError } from "../ports.ts";
import {
	type LatestExecution,
	type LatestExecutionStore,
	MAX_LATEST,
	noteExecution,
	withTold,
} from "./latest.ts";

latestExecutionStoreContract("Memory", async () => {
	const { devices } = memoryStores();
	return { devices, latestExecutions: memoryLatestExecutions(devices) };
});

const T = 1_790_000_000_000;

describe("What is told of a device's job executions", () => {
	it("takes the place of what was known of the same job, when it is later", () => {
		const first = someExecution({ atMs: T });
		const later = someExecution({ atMs: T + 1000, status: "SUCCEEDED" });
		assert.deepEqual(withTold([first], later), [later]);
		const known = [later];
		assert.equal(withTold(known, first), known);
		assert.equal(withTold(known, { ...later }), known);
	});

	it("says that an execution has been deleted, in the second of its end, too", () => {
		const ended = someExecution({ atMs: T });
		const gone = { ...ended, deleted: true };
		assert.deepEqual(withTold([ended], gone), [gone]);
		const known = [gone];
		assert.equal(withTold(known, ended), known);
	});

	it("ends the same in whatever order and however often it comes, and is never more than is kept", () => {
		const told = fc.record(
			{
				jobId: fc.integer({ min: 1, max: 30 }).map((id) => `job-${id}`),
				status: fc.constantFrom("FAILED", "SUCCEEDED", "TIMED_OUT"),
				statusDetails: fc.constantFrom<Record<string, string>>(
					{},
					{ reason: "no_space" },
				),
				atMs: fc.integer({ min: 0, max: 40 }).map((s) => T + s * 1000),
				deleted: fc.boolean(),
			},
			// What is compared has the prototype of all objects.
			{ noNullPrototype: true },
		) as fc.Arbitrary<LatestExecution>;
		const after = (events: readonly LatestExecution[]) =>
			events.reduce<readonly LatestExecution[]>(withTold, []);
		fc.assert(
			fc.property(
				fc.array(told, { maxLength: 60 }).chain((events) =>
					fc.tuple(
						fc.constant(events),
						fc.shuffledSubarray([...events, ...events], {
							minLength: events.length * 2,
						}),
					),
				),
				([events, shuffled]) => {
					const end = after(events);
					assert.deepEqual(after(shuffled), end);
					assert.ok(end.length <= MAX_LATEST);
					assert.equal(new Set(end.map((one) => one.jobId)).size, end.length);
				},
			),
		);
	});
});

describe("Noting a job execution", () => {
	function contended(times: number): LatestExecutionStore {
		let left = times;
		return {
			get: async () => [],
			replace: async () => left-- <= 0,
		};
	}

	it("is kept, or passed over when it is old or of nobody", async () => {
		const { devices } = memoryStores();
		await devices.create("boiler", 1);
		const store = memoryLatestExecutions(devices);
		const one = someExecution();
		assert.equal(await noteExecution(store, "boiler", one), "kept");
		assert.equal(await noteExecution(store, "boiler", one), "outdated");
		assert.equal(await noteExecution(store, "roof", one), "unknown");
		assert.equal(await noteExecution(store, "no/name", one), "unknown");
	});

	it("is tried again when others were faster, and fails when they always are", async () => {
		const one = someExecution();
		assert.equal(await noteExecution(contended(5), "boiler", one), "kept");
		await assert.rejects(
			noteExecution(contended(99), "boiler", one),
			(error) => error instanceof StoreError && error.code === "contended",
		);
	});
});
