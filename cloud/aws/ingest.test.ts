import assert from "node:assert/strict";
import { blockTopic, eventTopic } from "../../protocol/topics.ts";
import { blockOf, DAY, JOURNAL } from "../core/contracts/fixtures.ts";
import {
	type MemoryStores,
	memoryStores,
} from "../core/fakes/memory-stores.ts";
import type { BlockListener } from "../core/ingest.ts";
import { type NewBlock, StoreError } from "../core/ports.ts";
import {
	blockRuleMessage,
	eventRuleMessage,
	lambdaContext,
	ruleErrorMessage,
	sqsEvent,
} from "./fakes/events.ts";
import { type MemoryLog, memoryLog } from "./fakes/memory-log.ts";
import { ingestHandler, SEEN_EVERY_MS } from "./ingest.ts";
import { UNKNOWN_SENDER } from "./malformed.ts";
import { BLOCKS_RULE } from "./messages.ts";

const NOW = DAY + 10 * 86_400_000;

function nth(sequence: number, samples: readonly number[] = [sequence]) {
	return blockOf(samples, { sequence, startUptimeMs: sequence * 1000 });
}

function bootEvent(boot: number): Uint8Array {
	return new TextEncoder().encode(
		JSON.stringify({
			type: "boot",
			journalId: JOURNAL,
			boot,
			resetReason: "power_on",
			board: "esp32",
			firmware: "1.0.0",
			uptimeMs: 5,
		}),
	);
}

describe("The ingest function", () => {
	let stores: MemoryStores;
	let log: MemoryLog;
	/** Sequences whose put fails with the code given. */
	let refusing: Map<number, string>;
	let puts: number;

	beforeEach(async () => {
		stores = memoryStores();
		log = memoryLog();
		refusing = new Map();
		puts = 0;
		await stores.devices.create("boiler", 1);
	});

	function handler(onBlock?: BlockListener) {
		const blocks = {
			...stores.blocks,
			async put(some: readonly NewBlock[]) {
				puts++;
				for (const { sequence } of some) {
					const code = refusing.get(sequence);
					if (code === "bug") throw new TypeError("x is undefined");
					if (code !== undefined) throw new StoreError(code, "Not now.");
				}
				return stores.blocks.put(some);
			},
		};
		return ingestHandler({
			stores: { ...stores, blocks },
			clock: { nowMs: () => NOW },
			log,
			...(onBlock === undefined ? {} : { onBlock }),
		});
	}
	const handle = async (
		messages: readonly unknown[],
		{ run = handler(), remainingMs = (): number => 30_000 } = {},
	): Promise<string[]> => {
		const event = sqsEvent("thinghz-ingest", messages, NOW - 500);
		const response = await run(event, lambdaContext("ingest", remainingMs));
		return response.batchItemFailures.map((one) => one.itemIdentifier);
	};
	const block = (sequence: number, thing = "boiler") =>
		blockRuleMessage(thing, nth(sequence), NOW - 1000);
	const stored = async (thing = "boiler") =>
		(await stores.blocks.range(thing, 0, 9e15, 1000)).blocks.map(
			(one) => one.sequence,
		);
	const letters = async () =>
		(await stores.deadLetters.list({ limit: 100 })).map((one) => one.reason);

	it("stores the blocks of a batch with the time that the rule had them, and acknowledges all", async () => {
		const failed = await handle([block(1), block(2), block(3, "roof")]);
		assert.deepEqual(failed, []);
		assert.deepEqual(await stored(), [1, 2]);
		assert.deepEqual(await stored("roof"), [3]);
		const page = await stores.blocks.range("boiler", 0, 9e15, 1);
		assert.equal(page.blocks[0]?.receivedMs, NOW - 1000);
		assert.deepEqual(log.of("batch"), [
			{
				level: "info",
				event: "batch",
				queue: "arn:aws:sqs:eu-central-1:123456789012:thinghz-ingest",
				messages: 3,
				groups: 2,
				outcomes: { taken: 3 },
			},
		]);
	});

	it("takes events", async () => {
		const event = eventRuleMessage("boiler", bootEvent(7), NOW - 1000);
		assert.deepEqual(await handle([event]), []);
		const device = await stores.devices.get("boiler");
		assert.equal(device?.boot?.boot, 7);
		assert.equal(device?.boot?.atMs, NOW - 1000);
	});

	it("writes a device once for all of its blocks in a batch, and not again within an hour", async () => {
		const run = handler();
		const batch = Array.from({ length: 50 }, (_, i) => block(i));
		assert.deepEqual(await handle(batch, { run }), []);
		await handle([block(100), block(101)], { run });
		assert.equal(stores.deviceUpdates.get("boiler"), 1);
		assert.equal((await stored()).length, 52);
	});

	describe("that has known a device, which is deleted and made again by another function,", () => {
		const made = async () => {
			const run = handler();
			await handle([block(1), block(2)], { run });
			await stores.devices.remove("boiler");
			await stores.devices.create("boiler", NOW);
			return run;
		};
		const channels = async () =>
			(await stores.devices.get("boiler"))?.channels.length ?? 0;

		it("gives it its channels with the first block after its boot", async () => {
			const run = await made();
			const boot = eventRuleMessage("boiler", bootEvent(7), NOW - 900);
			await handle([boot, block(3)], { run });
			assert.ok((await channels()) > 0);
		});

		it("gives them to it though another function took the boot, when it notes that it was seen", async () => {
			const run = await made();
			const later = (sequence: number) =>
				blockRuleMessage(
					"boiler",
					nth(sequence),
					NOW - 1000 + SEEN_EVERY_MS + sequence,
				);
			await handle([later(3), later(4)], { run });
			assert.ok((await channels()) > 0);
		});
	});

	it("stores a block once however often it is delivered", async () => {
		const run = handler();
		assert.deepEqual(await handle([block(1), block(1)], { run }), []);
		assert.deepEqual(await handle([block(1)], { run }), []);
		assert.deepEqual(await handle([block(1)]), []);
		assert.deepEqual(await stored(), [1]);
		assert.deepEqual(await letters(), []);
	});

	it("gives back the one message whose block could not be stored, and that alone", async () => {
		refusing.set(2, "throttled");
		const failed = await handle([block(1), block(2), block(3)]);
		assert.deepEqual(failed, ["message-1"]);
		assert.deepEqual(await stored(), [1, 3]);
		const [line] = log.of("message_failed");
		assert.equal(line?.code, "throttled");
		assert.equal(line?.group, "boiler");
		assert.deepEqual(log.of("batch")[0]?.outcomes, { taken: 2, failed: 1 });
		refusing.clear();
		assert.deepEqual(await handle([block(2)]), []);
		assert.deepEqual((await stored()).length, 3);
	});

	it("gives all messages back while the store takes nothing", async () => {
		stores.failing = true;
		const failed = await handle([block(1), block(2, "roof"), "{"]);
		assert.deepEqual(failed.sort(), ["message-0", "message-1", "message-2"]);
		assert.equal(log.of("batch")[0]?.level, "warn");
		stores.failing = false;
		assert.deepEqual(await letters(), []);
	});

	it("gives a message back when an error comes that nobody has foreseen, and says which", async () => {
		refusing.set(1, "bug");
		assert.deepEqual(await handle([block(1), block(2)]), ["message-0"]);
		const [line] = log.of("message_failed");
		assert.equal(line?.type, "TypeError");
		assert.match(String(line?.stack), /x is undefined/);
		assert.deepEqual(await stored(), [2]);
	});

	it("makes a dead letter of a poison block in a batch, and takes the others", async () => {
		const bent = nth(2);
		bent[20] = (bent[20] ?? 0) ^ 1;
		const poison = blockRuleMessage("boiler", bent, NOW - 1000);
		assert.deepEqual(await handle([block(1), poison, block(3)]), []);
		assert.deepEqual(await stored(), [1, 3]);
		const [letter] = await stores.deadLetters.list({ limit: 2 });
		assert.equal(letter?.reason, "bad_checksum");
		assert.equal(letter?.topic, blockTopic("boiler"));
		assert.equal(letter?.receivedMs, NOW - 1000);
		assert.deepEqual([...(letter?.bytes ?? [])], [...bent]);
		assert.deepEqual(log.of("batch")[0]?.outcomes, {
			taken: 2,
			dead_letter: 1,
		});
		assert.equal(log.of("dead_letter")[0]?.thing, "boiler");
	});

	it("makes a dead letter of another block of the same identity", async () => {
		const other = blockRuleMessage("boiler", nth(1, [7, 8]), NOW);
		await handle([block(1), other]);
		assert.deepEqual(await letters(), ["identity_conflict"]);
	});

	it("makes a dead letter of an event that is not JSON", async () => {
		const message = eventRuleMessage("boiler", Uint8Array.of(0xff), NOW);
		assert.deepEqual(await handle([message]), []);
		assert.deepEqual(await letters(), ["bad_event"]);
	});

	it("keeps a message that no rule made as it came, as a dead letter of an unknown sender", async () => {
		assert.deepEqual(await handle(['{"block":7}', block(1)]), []);
		assert.deepEqual(await stored(), [1]);
		const [letter] = await stores.deadLetters.list({ limit: 2 });
		assert.equal(letter?.reason, "bad_envelope");
		assert.equal(letter?.thing, UNKNOWN_SENDER);
		assert.match(letter?.topic ?? "", /:thinghz-ingest$/);
		assert.equal(new TextDecoder().decode(letter?.bytes), '{"block":7}');
	});

	it("does not take a block under the name of another thing than the connection's", async () => {
		const message = { ...block(1), client: "roof" };
		assert.deepEqual(await handle([message]), []);
		assert.deepEqual(await stored(), []);
		assert.deepEqual(await stored("roof"), []);
		assert.deepEqual(await letters(), ["unknown_topic"]);
	});

	it("does not take a block that came over HTTPS, where no connection tells who sent it", async () => {
		await handle([{ ...block(1), client: "n/a" }]);
		assert.deepEqual(await stored(), []);
		assert.deepEqual(await letters(), ["unknown_topic"]);
	});

	it("keeps the blocks of a thing that nobody has named a device, and makes it one", async () => {
		assert.deepEqual(await handle([block(1, "new"), block(2, "new")]), []);
		assert.deepEqual(await stored("new"), [1, 2]);
		const device = await stores.devices.get("new");
		assert.equal(device?.createdMs, NOW - 1000);
		assert.equal(device?.online, true);
	});

	it("takes what comes back from the dead-letter queue after a rule had failed", async () => {
		const message = ruleErrorMessage(
			BLOCKS_RULE,
			"boiler",
			"boiler/block",
			nth(1),
		);
		assert.deepEqual(await handle([message]), []);
		const page = await stores.blocks.range("boiler", 0, 9e15, 1);
		// A second of samples that began at 00:00:01 of that day: the redrive was ten days later.
		assert.equal(page.blocks[0]?.receivedMs, DAY + 1000);
		const device = await stores.devices.get("boiler");
		assert.equal(device?.lastSeenMs, DAY + 1000);
	});

	it("lets no old boot event that was delivered again undo a later one", async () => {
		const run = handler();
		const event = (boot: number, receivedMs: number) =>
			eventRuleMessage("boiler", bootEvent(boot), receivedMs);
		await handle([event(1, NOW - 100), event(2, NOW - 50)], { run });
		await handle([event(1, NOW - 100)], { run });
		const device = await stores.devices.get("boiler");
		assert.equal(device?.boot?.boot, 2);
		assert.equal(device?.configRefused, null);
	});

	it("begins no message when too little time is left, and gives those back", async () => {
		let remainingMs = 30_000;
		const run = handler(async () => {
			remainingMs -= 10_000;
		});
		const batch = [1, 2, 3, 4, 5].map((i) => block(i));
		const failed = await handle(batch, { run, remainingMs: () => remainingMs });
		assert.deepEqual(failed, ["message-3", "message-4"]);
		assert.deepEqual(await stored(), [1, 2, 3]);
		assert.equal(puts, 3);
		assert.deepEqual(log.of("batch")[0]?.outcomes, { taken: 3, no_time: 2 });
	});

	it("acknowledges a block only when what hears of blocks has done its work", async () => {
		let failing = true;
		const heard: number[] = [];
		const run = handler(async ({ header }) => {
			if (failing && header.sequence === 2) {
				throw new StoreError("throttled", "Not now.");
			}
			heard.push(header.sequence);
		});
		const batch = [block(1), block(2), block(3)];
		assert.deepEqual(await handle(batch, { run }), ["message-1"]);
		failing = false;
		assert.deepEqual(await handle([block(2)], { run }), []);
		assert.deepEqual(heard, [1, 3, 2]);
	});

	it("works on a thing's messages in order, and on no more than 32 things at a time", async () => {
		let most = 0;
		const busy = new Set<string>();
		const order = new Map<string, number[]>();
		const run = handler(async ({ thing, header }) => {
			assert.ok(!busy.has(thing));
			busy.add(thing);
			most = Math.max(most, busy.size);
			await new Promise((resolve) => setImmediate(resolve));
			busy.delete(thing);
			order.set(thing, [...(order.get(thing) ?? []), header.sequence]);
		});
		const batch = Array.from({ length: 200 }, (_, i) =>
			block(i, `thing-${i % 100}`),
		);
		assert.deepEqual(await handle(batch, { run }), []);
		assert.equal(most, 32);
		assert.deepEqual(order.get("thing-7"), [7, 107]);
	});

	it("answers an empty batch", async () => {
		assert.deepEqual(await handle([]), []);
	});

	it("knows topics of its own alone", async () => {
		const message = { ...block(1), topic: "boiler/block/more" };
		await handle([message, { ...block(1), topic: eventTopic("boiler") }]);
		assert.deepEqual(await letters(), ["unknown_topic", "unknown_topic"]);
	});
});
