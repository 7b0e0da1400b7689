/** The law of queries: whatever the blocks, their order and their times of arrival, answers equal a naive count. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Channel } from "../../../protocol/block.ts";
import { toValue } from "../../../protocol/block-time.ts";
import type { ChannelAggregate } from "../aggregate.ts";
import { DAY_MS, floorTo, HOUR_MS } from "../spans.ts";
import type { MakeStores } from "./block-store.ts";
import {
	blockMessage,
	blockOf,
	cloudOn,
	counter,
	DAY,
	gauge,
} from "./fixtures.ts";
import { movableClock } from "./movable-clock.ts";

interface Sample {
	readonly timeMs: number;
	readonly value: number;
}

interface Model {
	readonly blocks: readonly Uint8Array[];
	/** By channel, by time. */
	readonly samples: ReadonlyMap<string, readonly Sample[]>;
}

/** One block to be: how long after the one before it begins, and what is in it. */
const blockPlan = fc.record({
	gapMs: fc.constantFrom(0, 0, 0, 700, 90_000, HOUR_MS, 2 * DAY_MS),
	intervalMs: fc.constantFrom(1000, 1500, 60_000, 600_000, HOUR_MS),
	gauges: fc.array(fc.option(fc.integer({ min: -50, max: 50 })), {
		minLength: 1,
		maxLength: 30,
	}),
	counts: fc.array(fc.option(fc.nat(20)), { minLength: 1, maxLength: 30 }),
	exponents: fc.tuple(
		fc.integer({ min: -2, max: 1 }),
		fc.integer({ min: -1, max: 1 }),
	),
	channels: fc.constantFrom("both", "both", "gauge", "counter"),
	newBoot: fc.boolean(),
	clock: fc.constantFrom("network", "network", "stored", "none"),
});

type BlockPlan =
	typeof blockPlan extends fc.Arbitrary<infer Plan> ? Plan : never;

function modelOf(plans: readonly BlockPlan[]): Model {
	const blocks: Uint8Array[] = [];
	const samples = new Map<string, Sample[]>([
		["t", []],
		["c", []],
	]);
	let atMs = DAY;
	let boot = 0;
	let bootTimeMs = DAY;
	for (const [sequence, plan] of plans.entries()) {
		atMs += plan.gapMs;
		const startsBoot = plan.newBoot || sequence === 0;
		if (startsBoot) {
			boot++;
			bootTimeMs = atMs;
		}
		const [te, ce] = plan.exponents;
		const channels: Channel[] = [];
		const columns: (readonly (number | null)[])[] = [];
		if (plan.channels !== "counter") {
			channels.push(gauge("t", te));
			columns.push(plan.gauges);
		}
		if (plan.channels !== "gauge") {
			channels.push(counter("c", ce));
			columns.push(plan.counts);
		}
		const sampleCount = Math.min(...columns.map((column) => column.length));
		// A boot's first block has network time, so that the boot has a binding and every block a time for certain.
		const source = startsBoot ? "network" : plan.clock;
		for (const [i, channel] of channels.entries()) {
			for (let k = 0; k < sampleCount; k++) {
				const raw = columns[i]?.[k] ?? null;
				if (raw === null) continue;
				const timeMs = atMs + k * plan.intervalMs;
				const value = toValue(raw, channel.exponent);
				samples.get(channel.id)?.push({ timeMs, value });
			}
		}
		blocks.push(
			blockOf([], {
				boot,
				sequence,
				startUptimeMs: atMs - bootTimeMs,
				intervalMs: plan.intervalMs,
				sampleCount,
				clock:
					source === "none"
						? null
						: source === "stored"
							? { source, bootTimeMs: bootTimeMs - 12_345_678 }
							: { source: "network", bootTimeMs },
				channels,
				columns: columns.map((column) =>
					Int32Array.from(column, (raw) => raw ?? -0x8000_0000),
				),
			}),
		);
		atMs += sampleCount * plan.intervalMs;
	}
	return { blocks, samples };
}

function naive(
	samples: readonly Sample[],
	kind: Channel["kind"],
	bucketsMs: readonly number[],
	everyMs: number,
): Omit<ChannelAggregate, "unit" | "kind"> {
	const rows = bucketsMs.map((bucketMs) => {
		const own = samples.filter(
			(sample) => floorTo(sample.timeMs, everyMs) === bucketMs,
		);
		const values = own.map((sample) => sample.value);
		const before = samples.findLast(({ timeMs }) => timeMs < bucketMs);
		let total = 0;
		let last = before?.value ?? values[0] ?? 0;
		for (const value of values) {
			if (kind === "gauge") total += value;
			else total += value < last ? value : value - last;
			last = value;
		}
		const nothing = values.length === 0;
		return {
			count: values.length,
			mean: nothing || kind === "counter" ? null : total / values.length,
			min: nothing ? null : Math.min(...values),
			max: nothing ? null : Math.max(...values),
			sum: nothing ? null : total,
		};
	});
	return {
		count: rows.map((row) => row.count),
		mean: rows.map((row) => row.mean),
		min: rows.map((row) => row.min),
		max: rows.map((row) => row.max),
		sum: rows.map((row) => row.sum),
	};
}

/** Sums of scaled values differ from scaled sums in their last digits. */
function assertClose(
	actual: readonly (number | null)[],
	expected: readonly (number | null)[],
	what: string,
): void {
	assert.equal(actual.length, expected.length, what);
	for (const [i, value] of expected.entries()) {
		const got = actual[i] ?? null;
		const near =
			got === null || value === null
				? got === value
				: Math.abs(got - value) <= 1e-9 * Math.max(1, Math.abs(value));
		assert.ok(near, `${what}[${i}] is ${got}, counted ${value}`);
	}
}

export function queriesContract(
	name: string,
	makeStores: MakeStores,
	options: { readonly numRuns: number },
): void {
	describe(`Queries on ${name}`, () => {
		let runs = 0;

		it("answer as a naive count of the samples does, whenever and however often the blocks come", async () => {
			const clock = movableClock(DAY + 100 * DAY_MS);
			const cloud = cloudOn(await makeStores(clock), clock);
			await fc.assert(
				fc.asyncProperty(
					fc.array(blockPlan, { minLength: 1, maxLength: 12 }),
					fc.array(fc.nat(), { maxLength: 30 }),
					fc.constantFrom(1000, 7000, 60_000, HOUR_MS, 3 * HOUR_MS, DAY_MS),
					fc.integer({ min: -2, max: 40 }),
					fc.integer({ min: 1, max: 100 }),
					async (plans, picks, everyMs, skip, length) => {
						const thing = `thing-${++runs}`;
						const { blocks, samples } = modelOf(plans);
						const fromMs = DAY + skip * Math.min(everyMs, HOUR_MS);
						const toMs = fromMs + length * Math.min(everyMs, 4 * HOUR_MS);
						const query = {
							thing,
							channels: ["t", "c"],
							fromMs,
							toMs,
							everyMs,
						};
						// Some come first, in any order and more than once, while queries already count rollups.
						await Promise.all(
							picks.flatMap((pick) => {
								const block = blocks[pick % blocks.length] ?? new Uint8Array(0);
								const accepted = cloud.ingest.accept(
									blockMessage(block, thing),
								);
								return pick % 3 === 0
									? [accepted, cloud.queries.aggregate(query)]
									: [accepted];
							}),
						);
						// What a store keeps out of date for a while is counted for good an hour later.
						clock.now += HOUR_MS;
						await cloud.queries.aggregate(query);
						await Promise.all(
							blocks
								.toReversed()
								.map((block) =>
									cloud.ingest.accept(blockMessage(block, thing)),
								),
						);
						const soon = await cloud.queries.aggregate(query);
						clock.now += HOUR_MS;
						const answer = await cloud.queries.aggregate(query);
						assert.deepEqual(soon, answer);
						for (const [id, kind] of [
							["t", "gauge"],
							["c", "counter"],
						] as const) {
							const expected = naive(
								samples.get(id) ?? [],
								kind,
								answer.bucketsMs,
								everyMs,
							);
							const got = answer.channels[id];
							assert.ok(got);
							for (const part of [
								"count",
								"mean",
								"min",
								"max",
								"sum",
							] as const) {
								assertClose(got[part], expected[part], `${id}.${part}`);
							}
						}
					},
				),
				{ numRuns: options.numRuns },
			);
		});

		it("find blocks without a time that come after others have been found", async () => {
			const clock = movableClock(DAY + 100 * DAY_MS);
			const cloud = cloudOn(await makeStores(clock), clock);
			const timeless = (sequence: number) =>
				cloud.accept(
					blockOf([sequence], {
						sequence,
						startUptimeMs: sequence * 1000,
						clock: null,
					}),
				);
			await cloud.accept(blockOf([0], { sequence: 0 }));
			for (const sequence of [1, 2, 3]) {
				await timeless(sequence);
				const { rows } = await cloud.queries.readings({
					thing: "boiler",
					channel: "t",
					fromMs: DAY,
					toMs: DAY + DAY_MS,
					limit: 10,
				});
				assert.deepEqual(
					rows.map(({ value }) => value),
					Array.from({ length: sequence + 1 }, (_, i) => i),
				);
				if (sequence === 2) clock.now += HOUR_MS;
			}
		});

		it("give every reading of a range once and by time, however the pages are cut", async () => {
			const clock = movableClock(DAY + 100 * DAY_MS);
			const cloud = cloudOn(await makeStores(clock), clock);
			await fc.assert(
				fc.asyncProperty(
					fc.array(blockPlan, { minLength: 1, maxLength: 8 }),
					fc.integer({ min: 1, max: 40 }),
					fc.integer({ min: 0, max: 6 }),
					async (plans, limit, hours) => {
						const thing = `thing-${++runs}`;
						const { blocks, samples } = modelOf(plans);
						for (const block of blocks) {
							await cloud.ingest.accept(blockMessage(block, thing));
						}
						const fromMs = DAY + hours * 1_234_567;
						const toMs = fromMs + 3 * DAY_MS;
						const rows: Sample[] = [];
						let cursor: string | null = null;
						do {
							const page: Awaited<ReturnType<typeof cloud.queries.readings>> =
								await cloud.queries.readings({
									thing,
									channel: "t",
									fromMs,
									toMs,
									limit,
									...(cursor === null ? {} : { cursor }),
								});
							assert.ok(page.rows.length <= limit);
							for (const { timeMs, value } of page.rows) {
								rows.push({ timeMs, value });
							}
							cursor = page.next;
						} while (cursor !== null);
						assert.deepEqual(
							rows,
							samples
								.get("t")
								?.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs),
						);
					},
				),
				{ numRuns: options.numRuns },
			);
		});
	});
}
