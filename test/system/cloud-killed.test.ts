/**
 * The cloud is killed while it takes blocks in, several times, after numbers of acknowledgements that a seed chooses.
 * What was acknowledged is there right after the restart; in the end all that was durable is, once.
 * THINGHZ_SEED=n chooses other moments.
 */
import assert from "node:assert/strict";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { SeededRandom } from "../../firmware/boards/virtual/peripherals/random.ts";
import { ApiSession } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import {
	assertAllStored,
	PAST_MS,
	provisionThings,
	Reports,
} from "./support/nodes.ts";
import { Pusher } from "./support/pusher.ts";

/** `make prove` kills more often. */
const KILLS = process.env.THINGHZ_EXHAUSTIVE === "1" ? 12 : 4;
const MOST_ACKNOWLEDGED = 1200;
const NODES = 3;

describe("A cloud killed while it takes blocks in", () => {
	const folder = temporaryFolder();
	const random = new SeededRandom(Number(process.env.THINGHZ_SEED ?? 1));
	const clock = new VirtualClock({
		kind: "rate",
		speed: 60,
		startWallMs: PAST_MS,
	});
	const machines: VirtualMachine[] = [];
	const reports: Reports[] = [];
	let cloud: CloudUnderTest;
	let api: ApiSession;
	let pusher: Pusher;

	/** On the same ports, as after a crash on a real machine. */
	async function restart(): Promise<void> {
		const { ready } = cloud;
		cloud = await CloudUnderTest.start(
			folder.dir,
			"--mqtt-port",
			new URL(ready.mqtt).port,
			"--http-port",
			new URL(ready.http).port,
		);
	}

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir);
		api = await ApiSession.signIn(cloud);
		const names = Array.from({ length: NODES }, (_, i) => `node-${i + 1}`);
		const [ofPusher, ...others] = await provisionThings(
			cloud,
			"pusher",
			...names,
		);
		pusher = new Pusher(
			ofPusher as NonNullable<typeof ofPusher>,
			Date.UTC(2025, 0, 1),
		);
		for (const identity of others) {
			const machine = new VirtualMachine({
				identity,
				clock,
				weather: { record: true },
				config: JSON.stringify({ sampleIntervalMs: 500, blockSpanMs: 5000 }),
			});
			machines.push(machine);
			reports.push(new Reports(machine));
			machine.powerOn();
		}
	});

	after(async () => {
		pusher.end();
		for (const machine of machines) await machine.powerCut();
		clock.stop();
		await cloud.stop();
		folder.remove();
	});

	it("has all that it acknowledged when it is back", async () => {
		for (let kill = 1; kill <= KILLS; kill++) {
			const target =
				pusher.acknowledged.size + 1 + random.below(MOST_ACKNOWLEDGED);
			assert.ok(await pusher.push(() => pusher.acknowledged.size >= target));
			const [ended] = await Promise.all([
				cloud.process.end("SIGKILL"),
				pusher.settle(),
			]);
			assert.equal(ended, "SIGKILL");
			// What a node has been told of must be there before any node can send it again.
			const released = reports.map((each) => releasedSamples(each));
			await restart();
			const stored = await pushedReadings();
			const times = new Set(stored.map(({ timeMs }) => timeMs));
			const missing = pusher
				.readingsOf(pusher.acknowledged)
				.filter(({ timeMs }) => !times.has(timeMs));
			assert.deepEqual(missing, [], `kill ${kill}`);
			for (const [i, count] of released.entries()) {
				const ofNode = await api.readings(
					`node-${i + 1}`,
					"wind",
					0,
					Date.now(),
				);
				assert.ok(ofNode.length >= count, `kill ${kill}: node-${i + 1}`);
			}
		}
	});

	it("has everything once in the end, with the value that was sent", async () => {
		await pusher.finish();
		assert.deepEqual(pusher.unacknowledged(), []);
		assert.deepEqual(
			await pushedReadings(),
			pusher.readingsOf(Array.from({ length: pusher.sent }, (_, n) => n)),
		);
	});

	it("has every sample of every node once in the end", async () => {
		for (const [i, machine] of machines.entries()) {
			const each = reports[i] as Reports;
			await each.until(hasSentAll);
			await machine.stop(20_000);
			const blocks = each
				.of("block")
				.filter(({ stream }) => stream === "readings");
			assert.ok(hasSentAll(each), `node-${i + 1} has sent everything`);
			assert.ok(blocks.length > 20);
			const { given } = machine.weather;
			const samples = blocks.reduce((sum, block) => sum + block.samples, 0);
			assert.equal(samples, given.length);
		}
		for (const [i, machine] of machines.entries()) {
			// At a rate, a sample is taken some part of a ms after the time it belongs to.
			const given = machine.weather.given.map((reading) => ({
				...reading,
				wallMs: Math.round(reading.wallMs),
			}));
			await assertAllStored(api, `node-${i + 1}`, given);
		}
	});

	it("has dead letters of nobody", async () => {
		assert.deepEqual(await api.get("/v1/deadletters"), {
			deadLetters: [],
			next: null,
		});
	});

	function pushedReadings() {
		return api.readings("pusher", "noise", 0, Date.now());
	}
});

function hasSentAll(reports: Reports): boolean {
	const released = new Set(
		reports.of("released").map(({ sequence }) => sequence),
	);
	return reports.of("block").every(({ sequence }) => released.has(sequence));
}

/** Samples of readings in blocks that the node has been told are stored. */
function releasedSamples(reports: Reports): number {
	const released = new Set(
		reports.of("released").map(({ sequence }) => sequence),
	);
	return reports
		.of("block")
		.filter((each) => each.stream === "readings" && released.has(each.sequence))
		.reduce((sum, { samples }) => sum + samples, 0);
}
