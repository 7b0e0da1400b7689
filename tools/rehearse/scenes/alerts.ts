/** An alert from a block to a letter by SNS: judged at ingest, delivered by the records table's stream, or by the schedule. */
import { makeBlocks } from "../blocks.ts";
import { isObject } from "../json.ts";
import type { Stage } from "../stage.ts";

const ADDRESS = "olga@example.org";

export async function alerts(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const { sns } = world.services;
	sns.confirmsAtOnce = true;
	const thing = "freezer";
	await stage.makeThing(thing);
	const token = await stage.token({ subject: "ada", groups: ["admin"] });
	const { payloads, values } = makeBlocks(7, 2, Date.now() - 60_000);
	const [first, second] = payloads;
	const limit = Math.max(...(values[0] ?? [])) + 1;
	const made = await stage.send("POST", "/v1/alerts/rules", token, {
		name: "Freezer too warm",
		device: thing,
		condition: { type: "threshold", channel: "x", direction: "above", limit },
		notify: [{ type: "email", address: ADDRESS }],
	});
	transcript.equal(made.status, 201, `a rule: x of ${thing} above ${limit}`);

	const letters = () => sns.published.length;
	stage.publishBlock(thing, first ?? new Uint8Array());
	await world.settle();
	transcript.equal(
		[letters(), await statusOf(stage, token)],
		[0, null],
		"a block whose values are below says nothing",
	);
	stage.publishBlock(thing, second ?? new Uint8Array());
	await world.settle();
	transcript.equal(
		await statusOf(stage, token),
		"firing",
		"one with a value above: the alert fires",
	);
	// A new address is asked to confirm first, and the letter is tried again when it is due.
	if (letters() === 0) await runUntilDelivered(stage, letters);
	transcript.equal(
		letters(),
		1,
		`and the stream's function has told ${ADDRESS} by SNS, once`,
	);
	transcript.check(
		JSON.stringify(sns.published).includes("Freezer too warm"),
		`the letter: ${JSON.stringify(sns.published[0]?.Subject ?? null)}`,
	);
	const ran = await world.runSchedules();
	transcript.check(ran.length > 0, `schedules run: ${ran.join(", ")}`);
	await world.settle();
	transcript.equal(letters(), 1, "and nothing is told twice");
}

async function runUntilDelivered(
	{ world, transcript }: Stage,
	letters: () => number,
): Promise<void> {
	const ran = await world.runSchedules();
	await world.settle();
	if (letters() > 0) transcript.step(`delivered by ${ran.join(", ")}`);
}

async function statusOf(stage: Stage, token: string): Promise<unknown> {
	const { json } = await stage.get("/v1/alerts", token);
	const list = isObject(json) && Array.isArray(json.alerts) ? json.alerts : [];
	const [state] = list as readonly { readonly status?: unknown }[];
	return state?.status ?? null;
}
