/** What goes wrong on a block's way: a block that is none, a table that throttles, a message that comes twice, a queue that is away. */

import { BLOCK_PREFIXES } from "../../../cloud/aws/tables.ts";
import { makeBlocks } from "../blocks.ts";
import type { DynamoCall, DynamoFault } from "../dynamodb.ts";
import { objectIn } from "../json.ts";
import type { Stage } from "../stage.ts";
import { readings } from "./node.ts";

const THROTTLED: DynamoFault = {
	status: 400,
	type: "ProvisionedThroughputExceededException",
	message:
		"The level of configured provisioned throughput for the table was exceeded.",
};

/** What the SDK does not try again by itself, so that thirty attempts take no thirty back-offs. */
const GONE: DynamoFault = {
	status: 400,
	type: "ResourceNotFoundException",
	message: "Requested resource not found: Table not found",
};

export async function poison(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const thing = "attic";
	await stage.makeThing(thing);
	const { payloads, values } = makeBlocks(1, 4);
	const [first, second, third, fourth] = payloads;
	const spoiled = Uint8Array.from(second ?? []);
	spoiled[spoiled.length - 5] = (spoiled[spoiled.length - 5] ?? 0) ^ 0xff;
	for (const payload of [first, spoiled, third, fourth]) {
		stage.publishBlock(thing, payload ?? new Uint8Array());
	}
	transcript.step("a batch of 4 blocks, of which one is damaged");
	await world.settle();
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	const rows = await readings(stage, token, thing, "x");
	const expected = values.filter((_, index) => index !== 1).flat();
	transcript.equal(
		rows.map(({ value }) => value),
		expected,
		"the other three are stored",
	);
	const { json } = await stage.get("/v1/deadletters", token, { device: thing });
	const { deadLetters: letters = [] } = json as {
		deadLetters?: { device: string; reason: string }[];
	};
	transcript.equal(
		letters.filter(({ device }) => device === thing).length,
		1,
		`the damaged one is a dead letter (${letters[0]?.reason}), which an operator can see`,
	);
	transcript.equal(
		world.queue("ingest").length + world.queue("dead-letters").length,
		0,
		"and nothing waits in a queue for it",
	);
}

export async function throttledForAWhile(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const thing = "cellar";
	await stage.makeThing(thing);
	const { payloads, values } = makeBlocks(2, 3);
	const ingest = world.queue("ingest");
	let refused = 0;
	// The first item cannot be written, however often the SDK tries; each takes it its back-offs' seconds.
	let throttled: string | null = null;
	world.fault = (call) => {
		if (!isWriteOf(call, thing)) return null;
		const item = JSON.stringify(objectIn(call.body.Item, "Item").s);
		throttled ??= item;
		if (item !== throttled) return null;
		refused++;
		return THROTTLED;
	};
	for (const payload of payloads) stage.publishBlock(thing, payload);
	await world.settle();
	transcript.check(refused > 0, `DynamoDB throttled ${refused} writes`);
	const waiting = ingest.length;
	transcript.step(
		`${waiting} of ${payloads.length} messages went back to the queue, ${payloads.length - waiting} are stored`,
	);
	world.fault = null;
	const rounds = await settleOverTime(stage);
	transcript.equal(
		ingest.length,
		0,
		`when it throttles no more, they come again and are taken (${rounds} visibility timeouts later)`,
	);
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	const rows = await readings(stage, token, thing, "x");
	transcript.equal(
		rows.map(({ value }) => value),
		values.flat(),
		"every reading is there, once",
	);
}

export async function failingForEver(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const thing = "garage";
	await stage.makeThing(thing);
	const { payloads, values } = makeBlocks(3, 2);
	const ingest = world.queue("ingest");
	const deadLetters = world.queue("dead-letters");
	world.fault = (call) => (isWriteOf(call, thing) ? GONE : null);
	for (const payload of payloads) stage.publishBlock(thing, payload);
	await world.settle();
	transcript.equal(
		ingest.length,
		payloads.length,
		"while the table cannot be written, nothing is taken out of the queue",
	);
	const rounds = await settleOverTime(stage);
	transcript.equal(
		[ingest.length, deadLetters.length],
		[0, payloads.length],
		`after ${rounds} attempts they are in ${deadLetters.name}`,
	);
	world.fault = null;
	const token = await stage.token({ subject: "ada", groups: ["admin"] });
	const { status } = await stage.send(
		"POST",
		"/v1/deadletters/redrive",
		token,
		{},
	);
	transcript.check(
		status >= 200 && status < 300,
		"`POST /v1/deadletters/redrive` sends them back",
		status,
	);
	await world.settle();
	const rows = await readings(stage, token, thing, "x");
	transcript.equal(
		rows.map(({ value }) => value),
		values.flat(),
		"and every reading is there",
	);
	transcript.equal(deadLetters.length, 0, `${deadLetters.name} is empty`);
}

export async function twice(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const thing = "shed";
	await stage.makeThing(thing);
	const { payloads, values } = makeBlocks(4, 3);
	for (const payload of [...payloads, ...payloads.toReversed()]) {
		stage.publishBlock(thing, payload);
	}
	await world.settle();
	for (const payload of payloads) stage.publishBlock(thing, payload);
	await world.settle();
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	const rows = await readings(stage, token, thing, "x");
	transcript.equal(
		rows.map(({ value }) => value),
		values.flat(),
		"3 blocks, each delivered three times and out of order, are stored once",
	);
}

export async function unreachableQueue(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const thing = "barn";
	await stage.makeThing(thing);
	const { payloads, values } = makeBlocks(5, 2);
	const deadLetters = world.queue("dead-letters");
	world.rules.unreachable = world.queue("ingest");
	for (const payload of payloads) stage.publishBlock(thing, payload);
	world.rules.unreachable = null;
	transcript.equal(
		deadLetters.length,
		payloads.length,
		`what a rule cannot put into its queue is in ${deadLetters.name}, by its error action`,
	);
	const token = await stage.token({ subject: "ada", groups: ["admin"] });
	await stage.send("POST", "/v1/deadletters/redrive", token, {});
	await world.settle();
	const rows = await readings(stage, token, thing, "x");
	transcript.equal(
		rows.map(({ value }) => value),
		values.flat(),
		"and is stored once it is sent back",
	);
}

export async function crash(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const thing = "loft";
	await stage.makeThing(thing);
	const { payloads, values } = makeBlocks(6, 3);
	const ingest = world.function("ingest");
	let stopping: Promise<void> | null = null;
	world.fault = (call) => {
		if (!isWriteOf(call, thing) || stopping !== null) return null;
		stopping = ingest.stop();
		return THROTTLED;
	};
	for (const payload of payloads) stage.publishBlock(thing, payload);
	const failedBefore = ingest.failed;
	await world.settle();
	world.fault = null;
	transcript.equal(
		ingest.failed - failedBefore,
		1,
		"the ingest function's process is killed as it writes",
	);
	transcript.equal(
		world.queue("ingest").length,
		payloads.length,
		"its whole batch is still in the queue",
	);
	await settleOverTime(stage);
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	const rows = await readings(stage, token, thing, "x");
	transcript.equal(
		rows.map(({ value }) => value),
		values.flat(),
		"a new process takes it, and every reading is there once",
	);
}

/** A write of a block of the thing: what a message cannot be taken without. */
function isWriteOf({ operation, body }: DynamoCall, thing: string): boolean {
	if (operation !== "PutItem") return false;
	const { p, s } = objectIn(body.Item, operation);
	return (
		objectIn(p, "p").S === thing &&
		String(objectIn(s, "s").S).startsWith(BLOCK_PREFIXES.timed)
	);
}

/** Hands over again what becomes visible, until the queue of ingest is empty. @returns how many timeouts passed */
async function settleOverTime({ world }: Stage): Promise<number> {
	const queue = world.queue("ingest");
	let rounds = 0;
	for (let waitMs = queue.waitMs(); waitMs !== null; waitMs = queue.waitMs()) {
		world.advance(waitMs);
		await world.settle();
		rounds++;
		if (rounds > 1000) throw new Error("Its messages come for ever.");
	}
	return rounds;
}
