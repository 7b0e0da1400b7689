import assert from "node:assert/strict";
import { encodeBlock, maxEncodedSize } from "../../protocol/encode.ts";
import type { DeviceInfo } from "./client.ts";
import type { PlacedBlock } from "./framing.ts";
import { pollLive } from "./poll-live.ts";

const NOW = 1_700_000_000_000;

/** Of three samples, 1 s apart. */
function block(startMs: number): PlacedBlock {
	const out = new Uint8Array(maxEncodedSize(1, 3));
	const size = encodeBlock(
		{
			journalId: "00000000000000a1",
			boot: 1,
			sequence: 1,
			live: false,
			startUptimeMs: 0,
			intervalMs: 1_000,
			sampleCount: 3,
			clock: { bootTimeMs: startMs, source: "network" },
			channels: [{ id: "t", unit: "", exponent: 0, kind: "gauge" }],
			columns: [Int32Array.of(1, 2, 3)],
		},
		out,
	);
	return { bytes: out.slice(0, size), startMs, estimated: false };
}

function device(name: string, changes: Partial<DeviceInfo> = {}): DeviceInfo {
	return {
		...{ name, online: true, lastSeen: null, board: null, firmware: null },
		...{ channels: [], configRefused: null },
		...changes,
	};
}

/** A page that looks at a cloud; time goes on when it is told to. */
class Page {
	readonly news: string[] = [];
	devices: DeviceInfo[] = [device("roof"), device("cellar")];
	blocks: PlacedBlock[] = [];
	failure: unknown = null;
	isHidden = false;
	asked = 0;
	now = NOW;
	#timer: { atMs: number; run: () => void } | null = null;
	#shown: (() => void) | null = null;
	readonly end: () => void;

	constructor(name: string | null) {
		this.end = pollLive(
			name,
			{
				onState: (state) => this.news.push(state),
				onReady: () => this.news.push("ready"),
				onLive: () => this.news.push("live"),
				onUnreadable: () => this.news.push("unreadable"),
				onBlock: (name, startMs, spanMs) =>
					this.news.push(
						`block ${name} ${startMs === null ? null : startMs - NOW} ${spanMs}`,
					),
				onDevice: (name, online, lastSeen) =>
					this.news.push(`device ${name} ${online} ${lastSeen}`),
				onAlert: (name) => this.news.push(`alert ${name}`),
				onSignedOut: () => this.news.push("signed out"),
			},
			{
				nowMs: () => this.now,
				after: (delayMs, run) => {
					const timer = { atMs: this.now + delayMs, run };
					this.#timer = timer;
					return () => {
						if (this.#timer === timer) this.#timer = null;
					};
				},
				isHidden: () => this.isHidden,
				onShown: (run) => {
					this.#shown = run;
					return () => {
						this.#shown = null;
					};
				},
				listDevices: () => this.#answer(() => this.devices),
				getDevice: (wanted) =>
					this.#answer(() => this.devices.find((one) => one.name === wanted)!),
				getBlocks: async (_name, fromMs, toMs) =>
					this.blocks.filter(
						({ startMs }) => startMs < toMs && startMs + 3_000 > fromMs,
					),
				isSignedOut: (error) => error === "signed out",
			},
		);
	}

	async #answer<T>(value: () => T): Promise<T> {
		this.asked++;
		if (this.failure !== null) throw this.failure;
		return value();
	}

	/** @returns the news since the last time */
	async pass(ms: number): Promise<string[]> {
		const untilMs = this.now + ms;
		for (;;) {
			// Answers arrive in microtasks; a turn of the event loop lets all of them.
			await new Promise((resolve) => setImmediate(resolve));
			const timer = this.#timer;
			if (timer === null || timer.atMs > untilMs) break;
			this.#timer = null;
			this.now = timer.atMs;
			timer.run();
		}
		this.now = untilMs;
		return this.news.splice(0);
	}

	show(): void {
		this.isHidden = false;
		this.#shown?.();
	}

	get isWaiting(): boolean {
		return this.#timer !== null || this.#shown !== null;
	}
}

describe("pollLive", () => {
	it("begins as the stream does, and then tells only what is new", async () => {
		const page = new Page(null);
		assert.deepEqual(await page.pass(0), ["connecting", "open", "ready"]);
		assert.deepEqual(await page.pass(60_000), []);
		assert.equal(page.asked, 5);
		page.devices = [
			device("roof", { online: false }),
			device("cellar"),
			device("new"),
		];
		assert.deepEqual(await page.pass(15_000), [
			"device roof false null",
			"device new true null",
			"block new null 0",
		]);
		page.end();
	});

	it("has what a connected device sends looked at again every five minutes, since when it was seen is noted every two hours", async () => {
		const page = new Page(null);
		page.devices = [device("roof"), device("cellar", { online: false })];
		await page.pass(15_000);
		assert.deepEqual(await page.pass(284_000), []);
		assert.deepEqual(await page.pass(15_000), ["block roof null 0"]);
		assert.deepEqual(await page.pass(284_000), []);
		assert.deepEqual(await page.pass(30_000), ["block roof null 0"]);
		page.end();
	});

	it("tells of blocks that a device has stored since, each once", async () => {
		const page = new Page("roof");
		page.blocks = [block(NOW - 300_000)];
		assert.deepEqual(await page.pass(0), ["connecting", "open", "ready"]);
		assert.deepEqual(await page.pass(10_000), []);
		page.blocks.push(block(NOW + 1_000), block(NOW + 4_000));
		assert.deepEqual(await page.pass(5_000), [
			"block roof 1000 3000",
			"block roof 4000 3000",
		]);
		assert.deepEqual(await page.pass(5_000), []);
		page.end();
	});

	it("tells of a block that is damaged, whose span nobody knows", async () => {
		const page = new Page("roof");
		await page.pass(0);
		page.blocks = [{ ...block(NOW + 1_000), bytes: Uint8Array.of(1, 2) }];
		assert.deepEqual(await page.pass(5_000), ["block roof 1000 1"]);
		page.end();
	});

	it("says that the connection is lost, and begins anew when it is back", async () => {
		const page = new Page("roof");
		await page.pass(0);
		page.failure = new Error("offline");
		assert.deepEqual(await page.pass(5_000), ["lost"]);
		page.failure = null;
		assert.deepEqual(await page.pass(5_000), ["open", "ready"]);
		page.end();
	});

	it("ends with the session", async () => {
		const page = new Page(null);
		await page.pass(0);
		page.failure = "signed out";
		assert.deepEqual(await page.pass(15_000), ["signed out"]);
		assert.equal(page.isWaiting, false);
	});

	it("asks nothing while nobody looks, and at once when somebody does", async () => {
		const page = new Page(null);
		await page.pass(0);
		page.isHidden = true;
		const { asked } = page;
		await page.pass(600_000);
		assert.equal(page.asked, asked);
		page.devices = [device("roof", { online: false })];
		page.show();
		assert.deepEqual(await page.pass(0), ["device roof false null"]);
		page.end();
	});

	it("is silent once it has been ended, also when an answer still comes", async () => {
		const page = new Page("roof");
		page.end();
		assert.deepEqual(await page.pass(60_000), ["connecting"]);
		assert.equal(page.isWaiting, false);
	});
});
