/** `thinghz up --influx`: rows reach a real InfluxDB whatever is killed, and ingest never waits for it. */
import assert from "node:assert/strict";
import {
	rowsIn,
	skipWithoutInflux,
	startInflux,
	type TestInflux,
} from "../../cloud/influxdb/fakes/influxd.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghz } from "./support/command.ts";
import { provisionThings } from "./support/nodes.ts";
import { Pusher, SAMPLES } from "./support/pusher.ts";

const START_MS = Date.UTC(2025, 0, 1);

describe("thinghz up --influx", () => {
	const folder = temporaryFolder();
	let influx: TestInflux;
	let cloud: CloudUnderTest;
	let pusher: Pusher;

	before(async function () {
		skipWithoutInflux(this);
		influx = await startInflux();
		cloud = await start();
		const [identity] = await provisionThings(cloud, "pusher");
		assert.ok(identity);
		pusher = new Pusher(identity, START_MS);
	});
	after(async () => {
		pusher?.end();
		await cloud?.stop();
		await influx?.stop();
		folder.remove();
	});

	function start(...options: string[]): Promise<CloudUnderTest> {
		const url = `${influx.url}/home`;
		return CloudUnderTest.start(folder.dir, "--influx", url, ...options);
	}

	async function rowsOf(count: number): Promise<void> {
		const rows = await until(
			() => rowsIn(influx, "home", "pusher").catch(() => []),
			(some) => some.length >= count,
			30_000,
		);
		assert.deepEqual(
			rows.map(({ timeMs, value }) => ({ timeMs, value })),
			pusher
				.readingsOf(Array(count / SAMPLES).keys())
				.map(({ timeMs, value }) => ({ timeMs, value })),
		);
	}

	it("makes the database and writes each row once", async () => {
		assert.ok(await pusher.push(() => pusher.acknowledged.size === 50, 50));
		await rowsOf(50 * SAMPLES);
	});

	it("takes blocks in while InfluxDB is down, and catches up although the cloud was killed meanwhile", async () => {
		await influx.kill();
		assert.ok(await pusher.push(() => pusher.acknowledged.size === 500, 500));
		await cloud.process.end("SIGKILL");
		cloud = await start("--mqtt-port", new URL(cloud.ready.mqtt).port);
		assert.ok(await pusher.push(() => pusher.acknowledged.size === 600, 600));
		await influx.start();
		await rowsOf(600 * SAMPLES);
	});

	for (const [what, args, says] of [
		["an address that is none", ["--influx", "influx"], /not the address/],
		[
			"a password in the address",
			["--influx", "http://me:pw@127.0.0.1:8086"],
			/into a file/,
		],
		[
			"a secret that is not there",
			["--influx", "http://127.0.0.1", "--influx-secret", "/nowhere/secret"],
			/cannot be read/,
		],
	] as const) {
		it(`exits 2 for ${what}`, async () => {
			const { dir } = folder;
			const { code, stderr } = await thinghz("up", "--data", dir, ...args);
			assert.equal(code, 2, stderr);
			assert.match(stderr, says);
			assert.doesNotMatch(stderr, /me:pw/);
		});
	}
});
