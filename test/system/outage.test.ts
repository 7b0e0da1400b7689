/** The network is down for a simulated day, and for a while in which nodes restart and no clock can be asked. */
import assert from "node:assert/strict";
import type { MachineIdentity } from "../../firmware/boards/virtual/identity.ts";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { ApiSession } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import {
	assertAllStored,
	assertSame,
	assertValues,
	CHANNELS,
	discard,
	PAST_MS,
	provisionThings,
	Reports,
	runUntil,
	stopStepped,
} from "./support/nodes.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const IS_WHOLE = process.env.THINGHZ_EXHAUSTIVE === "1";
/** `make prove` plays a whole day. */
const HOURS = IS_WHOLE ? 24 : 3;
/** So short that new blocks come up while the old ones are caught up with. */
const SPAN_MS = IS_WHOLE ? MINUTE_MS : 10_000;

describe("The network down", () => {
	const folder = temporaryFolder();
	const machines: VirtualMachine[] = [];
	let cloud: CloudUnderTest;
	let api: ApiSession;

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir);
		api = await ApiSession.signIn(cloud);
	});

	after(async () => {
		await discard(machines);
		await cloud.stop();
		folder.remove();
	});

	async function makeMachine(
		thing: string,
		config: object,
	): Promise<VirtualMachine> {
		const [identity] = await provisionThings(cloud, thing);
		const machine = new VirtualMachine({
			identity: identity as MachineIdentity,
			clock: new VirtualClock({ kind: "stepped", startWallMs: PAST_MS }),
			weather: { record: true },
			config: JSON.stringify(config),
			seed: 7,
		});
		machines.push(machine);
		return machine;
	}

	describe(`for ${HOURS} hours, at 1 Hz on three channels`, () => {
		let machine: VirtualMachine;
		let reports: Reports;
		let backlog: number[];

		before(async function () {
			this.timeout(180_000);
			machine = await makeMachine("island", { blockSpanMs: SPAN_MS });
			reports = new Reports(machine);
			machine.powerOn();
			await machine.clock.runFor(10 * MINUTE_MS);
			machine.network.faults.down = true;
			await machine.clock.runFor(HOURS * HOUR_MS);
			const released = releasedBy(reports);
			backlog = reports
				.of("block")
				.map(({ sequence }) => sequence)
				.filter((sequence) => !released.includes(sequence));
			machine.network.faults.down = false;
		});

		it("leaves all blocks on the node, and not one sample out", () => {
			const least = (HOURS * HOUR_MS) / SPAN_MS;
			assert.ok(backlog.length >= least, `${backlog.length} blocks wait`);
			assert.ok(machine.weather.given.length >= HOURS * 3600);
			assert.equal(reports.of("dropped").length, 0);
			const { reason } = reports.of("offline").at(-1) as { reason: string };
			assert.equal(reason, "tcp");
		});

		it("is caught up with, oldest first, while new blocks go ahead", async () => {
			const lastOld = backlog.at(-1) as number;
			await runUntil(
				machine,
				() => releasedBy(reports).includes(lastOld),
				MINUTE_MS,
				HOUR_MS,
			);
			const order = releasedBy(reports).slice(
				releasedBy(reports).indexOf(backlog[0] as number),
			);
			assert.deepEqual(
				order.filter((sequence) => sequence <= lastOld),
				backlog,
			);
			const fresh = order.findIndex((sequence) => sequence > lastOld);
			assert.ok(
				fresh >= 0 && fresh < order.indexOf(lastOld),
				"a new block did not wait for the old ones",
			);
			assert.equal(new Set(order).size, order.length, "nothing twice");
		});

		it("and in the end every sample is stored once, with the value that the sensor gave", async () => {
			await stopStepped(machine);
			await assertAllStored(api, "island", machine.weather.given);
			const counts = await api.get<{ rows: { value: number }[] }>(
				`/v1/devices/island/readings?${new URLSearchParams({
					channel: "temperature",
					from: new Date(PAST_MS).toISOString(),
					to: new Date(PAST_MS + HOURS * HOUR_MS).toISOString(),
					every: "1h",
					agg: "count",
				})}`,
			);
			assert.deepEqual(
				counts.rows.map(({ value }) => value),
				new Array(HOURS).fill(3600),
			);
		});
	});

	it("while the node restarts: the time it learns afterwards places what it had measured without", async () => {
		const machine = await makeMachine("late", {});
		machine.powerOn();
		await machine.clock.runFor(12 * MINUTE_MS);
		machine.network.faults.down = true;
		await machine.clock.runFor(18 * MINUTE_MS);
		await machine.stop();
		await machine.clock.runFor(20 * MINUTE_MS);
		machine.powerOn();
		await machine.clock.runFor(HOUR_MS / 2);
		machine.network.faults.down = false;
		await machine.clock.runFor(10 * MINUTE_MS);
		await stopStepped(machine);
		await assertAllStored(api, "late", machine.weather.given);
	});

	it("in live mode: samples are shown again at once, while the backlog is sent", async () => {
		const machine = await makeMachine("shown", {
			blockSpanMs: 10_000,
			liveUntilMs: PAST_MS + DAY_MS / 2,
		});
		const { clock, network, weather } = machine;
		const reports = new Reports(machine);
		machine.powerOn();
		await clock.runFor(5 * MINUTE_MS);
		network.faults.down = true;
		await clock.runFor(HOUR_MS);
		const old = reports.of("block").map(({ sequence }) => sequence);
		const live = await api.follow("shown");
		network.faults.down = false;
		let onlineMs = 0;
		machine.on("report", ({ event }) => {
			if (event === "online") onlineMs = clock.wallMs();
		});
		const released = () => releasedBy(reports);
		const isCaughtUp = () => released().includes(old.at(-1) as number);
		await runUntil(machine, isCaughtUp, 1000, HOUR_MS);
		const caughtUpMs = clock.wallMs();
		assert.ok(caughtUpMs - onlineMs > 15_000, "it took a while");
		await stopStepped(machine);
		const shown = await live.samplesUntil(caughtUpMs - 1000);
		const isMeanwhile = ({ timeMs }: { timeMs: number }) =>
			timeMs > onlineMs && timeMs < caughtUpMs;
		for (const channel of CHANNELS) {
			assertSame(
				shown.filter((each) => each.channel === channel).filter(isMeanwhile),
				weather.given.filter(({ wallMs }) => isMeanwhile({ timeMs: wallMs })),
				channel,
				"shown live",
			);
		}
		await assertAllStored(api, "shown", weather.given);
	});

	for (const remembers of [true, false]) {
		const how = remembers ? "goes by the time it stored" : "knows no time";
		it(`over a whole boot that ${how}: its samples are stored once, in order, as estimated`, async () => {
			const thing = remembers ? "stale" : "lost";
			const machine = await makeMachine(thing, {});
			const { clock, weather, network } = machine;
			const ends: number[] = [];
			machine.powerOn();
			await clock.runFor(12 * MINUTE_MS);
			await stopStepped(machine);
			ends.push(weather.given.length);

			network.faults.down = true;
			if (!remembers) machine.settings.delete("time");
			await clock.runFor(3 * HOUR_MS);
			machine.powerOn();
			await clock.runFor(20 * MINUTE_MS);
			await stopStepped(machine);
			ends.push(weather.given.length);
			if (!remembers) machine.settings.delete("time");

			network.faults.down = false;
			await clock.runFor(HOUR_MS);
			machine.powerOn();
			await clock.runFor(12 * MINUTE_MS);
			await stopStepped(machine);

			const [first = 0, second = 0] = ends;
			const known = [
				...weather.given.slice(0, first),
				...weather.given.slice(second),
			];
			const unknown = weather.given.slice(first, second);
			assert.ok(unknown.length >= 1200);
			for (const channel of CHANNELS) {
				const all = await api.readings(thing, channel, 0, Date.now() + DAY_MS);
				assertSame(
					all.filter(({ estimated }) => !estimated),
					known,
					channel,
					thing,
				);
				const estimated = all.filter((reading) => reading.estimated);
				assertValues(estimated, unknown, channel, thing);
				const [from, to] = [estimated[0], estimated.at(-1)];
				assert.ok((from?.timeMs ?? 0) >= (known[first - 1]?.wallMs ?? 0));
				assert.ok((to?.timeMs ?? 0) < (known[first]?.wallMs ?? 0));
			}
		});
	}
});

/** Sequences in the order in which they were let go of. */
function releasedBy(reports: Reports): number[] {
	return reports.of("released").map(({ sequence }) => sequence);
}
