/** What the cloud has stored, compared value by value with what the sensors gave. */
import assert from "node:assert/strict";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { ApiSession } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import { thinghzJson } from "./support/command.ts";
import {
	assertAllStored,
	assertSame,
	CHANNELS,
	discard,
	PAST_MS,
	provisionThings,
	Reports,
	stopStepped,
} from "./support/nodes.ts";

const MINUTE_MS = 60_000;

describe("Stored values", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;
	let api: ApiSession;
	const machines: VirtualMachine[] = [];

	async function makeMachine(
		thing: string,
		config: object,
		board: "virtual" | "virtual32" = "virtual",
	): Promise<VirtualMachine> {
		const [identity] = await provisionThings(cloud, thing);
		const machine = new VirtualMachine({
			identity: identity as NonNullable<typeof identity>,
			board,
			clock: new VirtualClock({ kind: "stepped", startWallMs: PAST_MS }),
			weather: { record: true, seed: thing.length },
			config: JSON.stringify(config),
		});
		machines.push(machine);
		return machine;
	}

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir);
		api = await ApiSession.signIn(cloud);
	});

	after(async () => {
		await discard(machines);
		await cloud.stop();
		folder.remove();
	});

	it("are what the sensors gave, over blocks of 5 minutes at 1 Hz", async () => {
		const machine = await makeMachine("plain", {});
		const reports = new Reports(machine);
		machine.powerOn();
		await machine.clock.runFor(22 * MINUTE_MS);
		await stopStepped(machine);
		const blocks = reports
			.of("block")
			.filter(({ stream }) => stream === "readings");
		assert.ok(blocks.length >= 5, `${blocks.length} blocks`);
		assert.equal(
			machine.weather.given.length,
			blocks.reduce((sum, { samples }) => sum + samples, 0),
		);
		await assertAllStored(api, "plain", machine.weather.given);
	});

	it("are so on a 32-bit engine, ten times a second", async () => {
		const config = { sampleIntervalMs: 100, blockSpanMs: 20_000 };
		const machine = await makeMachine("narrow", config, "virtual32");
		machine.powerOn();
		await machine.clock.runFor(45_000);
		await stopStepped(machine);
		assert.ok(machine.weather.given.length >= 450);
		await assertAllStored(api, "narrow", machine.weather.given);
	});

	it("are stored once although live mode shows them too, and live samples are the same", async () => {
		const liveUntilMs = PAST_MS + 3 * MINUTE_MS;
		const machine = await makeMachine("live", {
			blockSpanMs: MINUTE_MS,
			liveUntilMs,
		});
		const live = await api.follow("live");
		machine.powerOn();
		await machine.clock.runFor(5 * MINUTE_MS);
		await stopStepped(machine);
		const { given } = machine.weather;
		await assertAllStored(api, "live", given);

		const during = given.filter(({ wallMs }) => wallMs < liveUntilMs);
		const shown = await live.samplesUntil(during.at(-1)?.wallMs ?? 0);
		for (const channel of CHANNELS) {
			const samples = shown.filter((sample) => sample.channel === channel);
			// The first may come before the node is connected, or knows the time.
			const from = given.findIndex((g) => g.wallMs === samples[0]?.timeMs);
			assert.ok(from >= 0 && from < 5, `the first shown is ${from}`);
			assertSame(samples, during.slice(from), channel, "shown live");
		}
	});

	it("go on over a change of configuration: another interval, fewer channels, and back", async () => {
		const machine = await makeMachine("changed", { blockSpanMs: MINUTE_MS });
		const configs = [
			null,
			{
				sampleIntervalMs: 250,
				blockSpanMs: 30_000,
				channels: ["temperature", "wind"],
			},
			{ sampleIntervalMs: 2000, blockSpanMs: 2 * MINUTE_MS },
		];
		const ends: number[] = [];
		for (const config of configs) {
			if (config !== null) {
				machine.settings.set("config", JSON.stringify(config));
			}
			machine.powerOn();
			await machine.clock.runFor(150_500);
			await stopStepped(machine);
			ends.push(machine.weather.given.length);
		}
		const { given } = machine.weather;
		for (const channel of CHANNELS) {
			const rows = await thinghzJson<{ time: string; value: number }[]>(
				"readings",
				"changed",
				"--channel",
				channel,
				"--from",
				new Date(PAST_MS).toISOString(),
				"--target",
				cloud.target,
			);
			const stored = rows.map(({ time, value }) => ({
				timeMs: Date.parse(time),
				value,
				estimated: false,
			}));
			const expected =
				channel === "pressure"
					? [...given.slice(0, ends[0]), ...given.slice(ends[1])]
					: given;
			assertSame(stored, expected, channel, "changed");
		}
	});

	it("keep a channel's gap where its sensor gave nothing", async () => {
		const machine = await makeMachine("gap", { blockSpanMs: MINUTE_MS });
		machine.powerOn();
		await machine.clock.runFor(100_000);
		machine.weather.fault = "nack";
		await machine.clock.runFor(50_000);
		machine.weather.fault = "none";
		await machine.clock.runFor(100_000);
		await stopStepped(machine);
		const { given } = machine.weather;
		const longest = Math.max(
			...given.slice(1).map((g, i) => g.wallMs - (given[i]?.wallMs ?? 0)),
		);
		assert.ok(longest >= 50_000, `the longest gap is ${longest} ms`);
		await assertAllStored(api, "gap", given);
	});
});
