/** A block from a node on XS to the API: over mutual TLS, a rule, a queue, ingest, the table, and back as readings. */
import type { VirtualMachine } from "../../../firmware/boards/virtual/machine.ts";
import { PAST_MS, type Stage } from "../stage.ts";
import { endNode } from "../things.ts";

const MINUTE_MS = 60_000;
const CHANNELS = ["temperature", "pressure", "wind"] as const;
/** Counts of the weather chip in one unit of each channel. */
const COUNTS = 100;

interface ReadingsPage {
	readonly rows: readonly { readonly time: string; readonly value: number }[];
	readonly next: string | null;
}

export async function nodeToReadings(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const thing = "porch";
	const credentials = await stage.makeThing(thing);
	const node = stage.makeNode(thing, credentials, { blockSpanMs: MINUTE_MS });
	const toldBefore = world.queue("presence").sent;
	const blocks = await measure(node, 5 * MINUTE_MS);
	// What it said as it started; and that it has come, and has gone, which AWS tells by itself, maybe later.
	await stage.presenceTold(toldBefore + 3);
	const samples = node.weather.given.length;
	transcript.step(
		`${thing} measured ${samples} times and has closed ${blocks} blocks`,
	);
	const ingest = world.queue("ingest");
	transcript.check(
		stage.refused.length === 0,
		"the template's policies let it do all that the firmware does",
		stage.refused,
	);
	transcript.check(
		ingest.sent > blocks,
		`rules put ${ingest.sent} messages into ${ingest.name}: blocks of readings and of health, and its boot`,
	);
	await world.settle();
	transcript.equal(ingest.length, 0, "the ingest function took all of them");
	transcript.equal(
		world.queue("dead-letters").length,
		0,
		"none of them became a dead letter",
	);
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	for (const channel of CHANNELS) {
		const rows = await readings(stage, token, thing, channel);
		transcript.equal(
			rows.map(({ time, value }) => [
				Date.parse(time),
				Math.round(value * COUNTS),
			]),
			node.weather.given.map((given) => [given.wallMs, given[channel]]),
			`the API's ${rows.length} readings of ${channel} are what the sensor gave, each at its time`,
		);
	}
	const device = await stage.get(`/v1/devices/${thing}`, token);
	const { online, board } = device.json as {
		online: boolean;
		board: string | null;
	};
	transcript.equal(
		{ online, board },
		{ online: false, board: "virtual" },
		"the device is known with its board, and as gone since it has disconnected",
	);
	const attributes = world.services.attributes.get(thing);
	transcript.equal(
		[attributes?.board, typeof attributes?.firmware],
		["virtual", "string"],
		"the registry's thing has board and firmware as attributes, by which jobs find it",
	);
}

/** Runs a node for some simulated time and ends it in good order. @returns how many blocks of readings it closed */
async function measure(node: VirtualMachine, forMs: number): Promise<number> {
	let blocks = 0;
	node.on("report", (report) => {
		if (report.event === "block" && report.stream === "readings") blocks++;
	});
	node.powerOn();
	await node.clock.runFor(forMs);
	await endNode(node);
	return blocks;
}

export async function readings(
	stage: Stage,
	token: string,
	thing: string,
	channel: string,
): Promise<ReadingsPage["rows"]> {
	const rows: ReadingsPage["rows"][number][] = [];
	let cursor: string | null = null;
	do {
		const response = await stage.get(`/v1/devices/${thing}/readings`, token, {
			channel,
			from: new Date(PAST_MS - 86_400_000).toISOString(),
			to: new Date(Date.now() + 86_400_000).toISOString(),
			limit: "10000",
			...(cursor === null ? {} : { cursor }),
		});
		if (response.status !== 200) {
			throw new Error(
				`The API answered ${response.status}: ${response.body.toString().slice(0, 500)}`,
			);
		}
		const page = response.json as ReadingsPage;
		rows.push(...page.rows);
		cursor = page.next;
	} while (cursor !== null);
	return rows;
}
