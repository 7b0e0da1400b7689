import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlashFolderError } from "../../firmware/boards/virtual/flash-folder.ts";
import { TestBroker } from "../../firmware/boards/virtual/testing/broker.ts";
import { requireHost } from "../../firmware/boards/virtual/testing/host-process.ts";
import { buildProgram } from "../build/firmware.ts";
import { firmwareImage } from "../build/image.ts";
import {
	Fleet,
	type FleetEvent,
	type FleetOptions,
	type FleetSummary,
} from "./fleet.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

describe("A fleet", () => {
	let directory: string;
	let broker: TestBroker;
	let port: number;

	before(async function () {
		requireHost(this, "virtual");
		directory = mkdtempSync(join(tmpdir(), "thinghz-fleet-"));
		await buildProgram({ outfile: join(directory, "node.code") });
	});
	after(() => {
		if (directory !== undefined) rmSync(directory, { recursive: true });
	});
	beforeEach(async () => {
		broker = new TestBroker();
		port = await broker.listen();
	});
	afterEach(() => broker.close());

	const run = async (options: Partial<FleetOptions>) => {
		const events: FleetEvent[] = [];
		await new Fleet({
			identities: ["one", "two"].map((thing) => ({
				thing,
				host: "127.0.0.1",
				port,
			})),
			board: "virtual",
			bundle: join(directory, "node.code"),
			speed: 200,
			forMs: 2 * MINUTE_MS,
			flashDir: null,
			config: { sampleIntervalMs: 1000, blockSpanMs: 20_000 },
			live: false,
			tell: (event) => events.push(event),
			...options,
		}).run(new Promise(() => undefined));
		const summary = events.find(
			(event): event is FleetSummary => event.event === "summary",
		);
		assert.ok(summary);
		return { events, summary };
	};
	const made = (events: readonly FleetEvent[]) =>
		events.filter(({ event }) => event === "block").length;

	it("tells how many blocks are on the nodes' flash, those of earlier runs among them, and starts them from their slots", async () => {
		const flashDir = join(directory, "kept");
		const image = firmwareImage({
			board: "virtual",
			bundle: join(directory, "node.code"),
		});
		const app = { image };
		const identities = [{ thing: "one", host: "127.0.0.1", port: 1 }];
		const first = await run({ flashDir, identities });
		assert.ok(made(first.events) >= 6);
		assert.equal(first.summary.pending, made(first.events));
		assert.equal(first.summary.released, 0);
		const second = await run({ flashDir, identities, app });
		const slot = join(flashDir, "one", "ota_0.bin");
		assert.deepEqual(readFileSync(slot), Buffer.from(image));
		const kept = first.summary.pending + made(second.events);
		assert.equal(second.summary.pending, kept);
		const third = await run({
			flashDir,
			app,
			identities: [{ thing: "one", host: "127.0.0.1", port }],
		});
		assert.equal(third.summary.pending, 0);
		assert.equal(third.summary.released, kept + made(third.events));
	});

	it("lets nodes sleep, counts no reboots for it, and sends what is open at the end", async () => {
		const { events, summary } = await run({
			identities: [{ thing: "one", host: "127.0.0.1", port }],
			config: { sampleIntervalMs: 10_000, blockSpanMs: 60_000, sleep: true },
			forMs: 5 * MINUTE_MS,
		});
		const sleeps = events.filter(({ event }) => event === "sleep").length;
		assert.ok(sleeps > 20, `${sleeps} sleeps`);
		assert.ok(summary.samples >= 29 && summary.samples <= 31);
		assert.equal(summary.reboots, 0);
		assert.equal(summary.pending, 0);
		assert.equal(events.filter(({ event }) => event === "boot").length, 1);
	});

	it("does not take for kept what the nodes have dropped", async () => {
		const { events, summary } = await run({
			identities: [{ thing: "one", host: "127.0.0.1", port: 1 }],
			journalBytes: 4 * 4096,
			config: { sampleIntervalMs: 1000, blockSpanMs: 1000 },
			forMs: 5 * MINUTE_MS,
		});
		assert.ok(summary.dropped > 0);
		assert.equal(summary.pending, made(events) - summary.dropped);
	});

	it("stays live for longer than the day that a node takes at once", async () => {
		const { summary } = await run({
			identities: [{ thing: "one", host: "127.0.0.1", port }],
			live: true,
			speed: 100_000,
			forMs: 30 * HOUR_MS,
			config: { sampleIntervalMs: HOUR_MS / 4, blockSpanMs: HOUR_MS },
		});
		const live = broker.publishes().filter(({ qos }) => qos === 0).length;
		assert.ok(
			live > 0.95 * summary.samples,
			`${live} of ${summary.samples} samples`,
		);
	});

	it("ends all nodes when one cannot be started", async () => {
		const flashDir = join(directory, "twice");
		const identity = { thing: "one", host: "127.0.0.1", port };
		const starts = run({ flashDir, identities: [identity, identity] });
		await assert.rejects(starts, FlashFolderError);
		await broker.until(() => broker.sockets.size === 0);
		// The one that did start has let go of its flash.
		await run({ flashDir, identities: [identity] });
	});
});
