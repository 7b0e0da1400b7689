/**
 * A node on XS crashes, starts again, and tells of it: what is known of the crash, and the log of the boot that crashed, arrive at the
 * cloud and are shown by the API and the command.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { requireHost } from "../../firmware/boards/virtual/testing/host-process.ts";
import { buildProgram } from "../../tools/build/firmware.ts";
import { ApiSession } from "./support/api.ts";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";
import { PAST_MS, provisionThings } from "./support/nodes.ts";

interface Crash {
	readonly device: string;
	readonly reason: string;
	readonly boot: number;
	readonly uptimeMs: number;
	readonly time: string;
	readonly cause: string;
	readonly firmware: string;
	readonly untold: number;
}

interface Listed {
	readonly crashes: readonly Crash[];
}

interface Removed {
	readonly name: string;
	readonly certificates: readonly string[];
}

interface Line {
	readonly boot: number;
	readonly level: string;
	readonly text: string;
}

describe("A node that crashes", () => {
	const folder = temporaryFolder();
	let cloud: CloudUnderTest;
	let api: ApiSession;
	let machine: VirtualMachine;
	let bootedMs = 0;

	before(async function () {
		requireHost(this, "virtual");
		this.timeout(240_000);
		const bundle = join(folder.dir, "faulty-node.js");
		const entry = new URL("../qemu/scripts/faulty-node.ts", import.meta.url);
		cloud = await CloudUnderTest.start(join(folder.dir, "data"));
		const [identity] = await provisionThings(cloud, "roof");
		await buildProgram({ entry: fileURLToPath(entry), outfile: bundle });
		api = await ApiSession.signIn(cloud);
		assert.ok(identity !== undefined);
		machine = new VirtualMachine({
			identity,
			bundle,
			seed: 1,
			heapLimitBytes: 300_000,
			clock: new VirtualClock({ kind: "stepped", startWallMs: PAST_MS }),
		});
	});
	after(async () => {
		await machine?.powerCut();
		machine?.close();
		machine?.clock.stop();
		await cloud?.stop();
		folder.remove();
	});

	/** Boots the node, which crashes after a second and a half, and lets it tell of that. */
	async function crashBy(fault: string): Promise<void> {
		await machine.powerCut();
		bootedMs = machine.clock.nowMs();
		machine.settings.set("fault", fault);
		machine.powerOn();
		await machine.clock.runFor(20_000);
	}

	/** Does it while the node's time goes on. */
	async function whileRunning<T>(work: Promise<T>): Promise<T> {
		let isDone = false;
		const end = () => {
			isDone = true;
		};
		work.then(end, end);
		while (!isDone) {
			await machine.clock.runFor(250);
			await new Promise((resolve) => setImmediate(resolve));
		}
		return work;
	}

	for (const [nth, fault, reason, says] of [
		[1, "exception", "crash", /^uncaught exception: .*as told/],
		[2, "memory", "out_of_memory", /^out of memory: \d+ bytes/],
	] as const) {
		it(`by ${fault} tells that it was ${reason}, and when, and what led to it`, async function () {
			this.timeout(240_000);
			await crashBy(fault);
			const path = "/v1/devices/roof/crashes";
			const { crashes } = await until(
				() => api.get<{ crashes: Crash[] }>(path),
				({ crashes }) => crashes.length >= nth,
				60_000,
			);
			const [crash] = crashes;
			assert.equal(crashes.length, nth);
			assert.equal(crash?.reason, reason);
			assert.equal(crash?.uptimeMs, 1500);
			assert.match(crash?.cause ?? "", says);
			assert.equal(crash?.untold, 0);
			assert.equal(Date.parse(crash?.time ?? ""), bootedMs + 1500 + PAST_MS);
			const { lines } = await until(
				() => api.get<{ lines: Line[] }>("/v1/devices/roof/logs"),
				({ lines }) => lines.some(({ text }) => text.includes(reason)),
				60_000,
			);
			const ofCrashed = lines.filter(({ boot }) => boot === crash?.boot);
			assert.ok(ofCrashed.some(({ text }) => text === "Connected."));
		});
	}

	it("is listed by the command, with its fleet and by itself", async function () {
		this.timeout(240_000);
		const { target } = cloud;
		const all = await thinghzJson<Crash[]>("crashes", "--target", target);
		assert.deepEqual(
			all.map(({ device, reason }) => [device, reason]),
			[
				["roof", "out_of_memory"],
				["roof", "crash"],
			],
		);
		const { code, stdout } = await thinghz(
			...["crashes", "roof", "--reason", "crash", "--target", target],
		);
		assert.equal(code, 0);
		assert.match(stdout, /roof\s+crash\s.*2 s.*uncaught exception/);
		const unknown = await thinghz("crashes", "nobody", "--target", target);
		assert.equal(unknown.code, 1);
		assert.match(unknown.stderr, /no device named nobody/);
	});

	it("sends its log when it is asked to", async function () {
		this.timeout(240_000);
		const args = ["logs", "roof", "--request", "--target", cloud.target];
		const lines = await whileRunning(thinghzJson<Line[]>(...args));
		assert.ok(lines.length >= 6, `${lines.length} lines`);
		const booted = lines.filter(({ text }) => text.includes("has started"));
		assert.equal(booted.length, 4);
		assert.match(booted.at(-1)?.text ?? "", /after out_of_memory/);
		const numbers = lines.map(({ boot }) => boot);
		assert.deepEqual(
			numbers,
			numbers.toSorted((a, b) => a - b),
		);
	});

	it("is taken out by the command, not without a yes, and its log and crashes with it, but no reading", async function () {
		this.timeout(240_000);
		const to = ["--target", cloud.target];
		const count = async () => {
			const path = "/v1/devices/roof/readings?channel=temperature";
			const from = new Date(PAST_MS).toISOString();
			const { rows } = await api.get<{ readonly rows: readonly unknown[] }>(
				`${path}&from=${from}&to=${new Date().toISOString()}`,
			);
			return rows.length;
		};
		const readings = await count();
		assert.ok(readings > 0);
		const unknown = await thinghz(
			"devices",
			"delete",
			"nobody",
			"--yes",
			...to,
		);
		assert.equal(unknown.code, 1);
		assert.match(unknown.stderr, /no device named nobody/);
		const unasked = await thinghz("devices", "delete", "roof", ...to);
		assert.equal(unasked.code, 2);
		assert.match(unasked.stderr, /its .*logs, crashes,.* go\b.*add --yes/s);
		assert.equal((await api.get<Listed>("/v1/crashes")).crashes.length, 2);

		const removed = await thinghzJson<Removed>(
			...["devices", "delete", "roof", "--yes", ...to],
		);
		assert.equal(removed.name, "roof");
		assert.equal(removed.certificates.length, 1);
		assert.deepEqual(await api.get("/v1/crashes"), { crashes: [], next: null });
		await assert.rejects(api.get("/v1/devices/roof/logs"), /404/);

		// Whoever gets the name next finds what was measured under it, and nobody's crashes.
		await provisionThings(cloud, "roof");
		assert.deepEqual(await api.get("/v1/devices/roof/logs"), {
			lines: [],
			next: null,
		});
		assert.deepEqual(await api.get("/v1/devices/roof/crashes"), {
			crashes: [],
			next: null,
		});
		assert.equal(await count(), readings);
	});
});
