/** An alert from a block to a letter by SNS: judged at ingest, told by the function on the records table's stream. */
import { makeBlocks } from "../blocks.ts";
import { isObject } from "../json.ts";
import type { Stage } from "../stage.ts";

const THING = "freezer";
const ADDRESS = "olga@example.org";

export async function alerts(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const { sns } = world.services;
	await stage.makeThing(THING);
	const token = await stage.token({ subject: "ada", groups: ["admin"] });
	const { payloads, values } = makeBlocks(7, 4, Date.now() - 60_000);
	const publish = async (index: number) => {
		stage.publishBlock(THING, payloads[index] ?? new Uint8Array());
		await world.settle();
	};
	const letters = () => sns.published.length;
	// A rule names a device that is known.
	await publish(0);

	await makeRule(stage, token, "Too warm", maxOf(values[1]) + 1);
	await publish(1);
	transcript.equal(
		await statusOf(stage, token, "Too warm"),
		null,
		"a block whose values are below says nothing",
	);
	await publish(2);
	transcript.equal(
		await statusOf(stage, token, "Too warm"),
		"firing",
		"one with a value above: the alert fires",
	);
	const [topic] = sns.topics.values();
	transcript.equal(
		[topic?.address, topic?.subscription, letters()],
		[ADDRESS, "pending", 0],
		`the stream's function has had SNS ask ${ADDRESS}, who has to confirm before anything is sent`,
	);
	if (topic !== undefined) topic.subscription = "confirmed";

	await makeRule(stage, token, "Far too warm", maxOf(values[2]) + 1);
	await publish(3);
	transcript.equal(
		letters(),
		1,
		"the next alert fires, and is told once, as its address is confirmed",
	);
	transcript.check(
		JSON.stringify(sns.published).includes("Far too warm"),
		`the letter: ${JSON.stringify(sns.published[0]?.Subject ?? null)}`,
	);
	await publish(3);
	const ran = await world.runSchedules();
	await world.settle();
	transcript.equal(
		letters(),
		1,
		`the block comes again, ${ran.join(", ")} runs: nothing is told twice`,
	);
}

async function makeRule(
	stage: Stage,
	token: string,
	name: string,
	limit: number,
): Promise<void> {
	const { world, transcript } = stage;
	const made = await stage.send("POST", "/v1/alerts/rules", token, {
		name,
		device: THING,
		condition: { type: "threshold", channel: "x", direction: "above", limit },
		notify: [{ type: "email", address: ADDRESS }],
	});
	transcript.check(
		made.status === 201,
		`a rule, “${name}”: x of ${THING} above ${limit}`,
		made.json,
	);
	// An instance that has looked at the rules before looks again by and by; a new one does at once.
	await world.function("ingest").stop();
}

async function statusOf(
	stage: Stage,
	token: string,
	rule: string,
): Promise<unknown> {
	const { json } = await stage.get("/v1/alerts", token);
	const list: readonly unknown[] =
		isObject(json) && Array.isArray(json.alerts) ? json.alerts : [];
	const state = list.find((one) => JSON.stringify(one).includes(rule));
	return isObject(state) ? state.status : null;
}

function maxOf(values: readonly number[] | undefined): number {
	return Math.max(...(values ?? []));
}
