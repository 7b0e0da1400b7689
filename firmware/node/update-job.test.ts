/** Updates as jobs of a node, over its restarts, on a board with ESP-IDF's rules for slots. */
import assert from "node:assert/strict";
import type { UpdateJob } from "../../protocol/job-documents.ts";
import { readAppImage } from "../image/app-image.ts";
import {
	FAKE_EPOCH_MS,
	type FakeBoard,
	makeBoard,
	makeDurable,
} from "./fakes/board.ts";
import { FakeCloud } from "./fakes/cloud.ts";
import { FakeJobs } from "./fakes/job-service.ts";
import { FakeStreams } from "./fakes/stream-service.ts";
import {
	type FakeKey,
	FakeSource,
	makeImage,
	makeKey,
	nodeCrypto,
	Restart,
	UpdateBench,
} from "./fakes/update-bench.ts";
import { JOB_KEY } from "./jobs.ts";
import { type RunningNode, startNode } from "./node.ts";
import { STREAM_BLOCK_BYTES } from "./stream-source.ts";
import { ALLOWANCE_MS } from "./update-trial.ts";

const SECTOR = 4096;
const MINUTE_MS = 60_000;
const OLD = makeImage("1.0.0", 11_000);
const NEW = makeImage("1.1.0", 12_000);
const KEY = makeKey();

class Restarted extends Error {
	override readonly name = "Restarted";
}

interface RigPlan {
	readonly hasUpdate?: boolean;
	readonly prefersStreams?: boolean;
	/** It has no way to an address. */
	readonly hasStreamsAlone?: boolean;
	/** Of the version that runs: whether its messages reach the broker and come back. */
	readonly isAcknowledged?: (version: string) => boolean;
	readonly isReachable?: (version: string) => boolean;
}

class Rig {
	readonly durable = makeDurable();
	readonly bench = new UpdateBench(OLD, KEY);
	readonly cloud = new FakeCloud();
	readonly jobs: FakeJobs;
	readonly streams: FakeStreams;
	/** By address. */
	readonly sources = new Map<string, FakeSource>();
	/** Addresses that were opened. */
	readonly opened: string[] = [];
	board: FakeBoard;
	node: RunningNode | null = null;
	version = "";
	boots = 0;
	now = 0;
	readonly plan: RigPlan;

	constructor(plan: RigPlan = {}) {
		this.plan = plan;
		this.board = makeBoard(this.durable);
		this.jobs = new FakeJobs(this.board.network);
		this.streams = new FakeStreams(this.board.network, [NEW]);
		this.serve("http://a/new", NEW);
		this.boot();
	}

	serve(url: string, bytes: Uint8Array): FakeSource {
		const source = new FakeSource(bytes, () => this.board.timers, SECTOR * 2);
		this.sources.set(url, source);
		return source;
	}

	/** Starts anew, as after a loss of power. */
	boot(): void {
		const { plan, bench } = this;
		this.boots++;
		this.board.timers.clearAll();
		this.board = makeBoard(
			this.durable,
			this.boots,
			FAKE_EPOCH_MS + this.boots * 86_400_000,
		);
		const { network, system } = this.board;
		const slots = bench.slotsAtStart();
		this.version = bench.versionIn(slots.runningSlot);
		this.jobs.network = network;
		this.streams.network = network;
		network.grants = (filter) =>
			filter.includes("/jobs/") || filter.includes("/streams/") ? 1 : 0x80;
		network.onMessage = (message) => {
			if (message.topic.includes("/shadow/")) return;
			if (this.jobs.take(message) || this.streams.take(message)) return;
			this.cloud.take(message);
		};
		const { version } = this;
		network.losesPuback = () => plan.isAcknowledged?.(version) === false;
		network.failWith = plan.isReachable?.(version) === false ? "tcp" : null;
		system.resetReason = this.boots === 1 ? "power_on" : "restart";
		system.restart = () => {
			throw new Restarted();
		};
		const openUrl = (url: string) => {
			this.opened.push(url);
			return (
				this.sources.get(url) ??
				new FakeSource(new Uint8Array(0), () => this.board.timers)
			);
		};
		const update = {
			slots,
			crypto: nodeCrypto,
			running: {
				project: "thinghz",
				board: "esp32c3",
				version,
				securityVersion: 0,
				key: KEY.point,
			},
			prefersStreams: plan.prefersStreams === true,
			...(plan.hasStreamsAlone === true ? {} : { openUrl }),
		};
		this.node = startNode({
			...this.board,
			slots,
			...(plan.hasUpdate === false ? {} : { update }),
		});
	}

	run(ms: number): void {
		const endMs = this.now + ms;
		while (this.now < endMs) {
			this.now += 100;
			try {
				this.board.timers.advance(100);
			} catch (error) {
				if (!(error instanceof Restarted || error instanceof Restart))
					throw error;
				this.boot();
			}
			if (this.bench.isBootOver) this.boot();
		}
	}

	document(
		{ url = "http://a/new", ...more }: Partial<UpdateJob> = {},
		image = NEW,
		change: object = {},
		key: FakeKey = KEY,
	): UpdateJob {
		const { manifest, signature } = this.bench.order(image, change, key);
		return {
			operation: "update",
			version: 1,
			manifest: Buffer.from(manifest).toString("base64"),
			signature: Buffer.from(signature).toString("base64"),
			url,
			...more,
		};
	}

	details(id: string): Record<string, string> {
		return (
			this.jobs.executions.find(({ jobId }) => jobId === id)?.statusDetails ??
			{}
		);
	}

	/** Of all jobs, without progress. */
	get ends(): string[] {
		return this.jobs.told.filter((told) => !told.includes("IN_PROGRESS"));
	}

	get steps(): string[] {
		return this.board.system.reportsOf("update").map(({ step }) => step);
	}
}

function assertUpdated(rig: Rig, id = "a"): void {
	assert.deepEqual(rig.ends, [`${id} SUCCEEDED`]);
	assert.deepEqual(rig.details(id), { version: "1.1.0" });
	assert.equal(rig.version, "1.1.0");
	assert.equal(rig.durable.settings.get("update"), undefined);
	assert.equal(rig.durable.settings.get(JOB_KEY), undefined);
	rig.bench.slotsAtStart();
	readAppImage(rig.bench.contentOf(1));
}

describe("an update as a job", () => {
	it("is loaded from its address, started, confirmed and told", () => {
		const rig = new Rig();
		rig.run(5000);
		rig.jobs.make("a", rig.document());
		rig.run(2 * MINUTE_MS);
		assertUpdated(rig);
		assert.equal(rig.boots, 2);
		assert.deepEqual(rig.opened, ["http://a/new"]);
		assert.deepEqual(rig.steps, ["confirmed"]);
		// Of what changes sooner than it is told, the last is told.
		assert.deepEqual(
			[...new Set(rig.jobs.told)].filter((told) => !told.endsWith("verifying")),
			["a IN_PROGRESS loading", "a IN_PROGRESS restarting", "a SUCCEEDED"],
		);
	});

	it("tells how far it is, with the version, in steps of some size", () => {
		const rig = new Rig();
		const seen: Record<string, string>[] = [];
		rig.jobs.make("a", rig.document());
		for (let n = 0; n < 100 && rig.boots === 1; n++) {
			rig.run(100);
			const details = rig.details("a");
			if (details.step === "loading") seen.push(details);
		}
		assert.ok(seen.length > 0);
		for (const { progress, version } of seen) {
			assert.match(progress ?? "", /^\d+$/);
			assert.equal(version, "1.1.0");
		}
		assert.ok(rig.jobs.told.length <= 7);
	});

	it("comes over MQTT where the board is short of memory, and no address is opened", () => {
		const rig = new Rig({ prefersStreams: true });
		rig.run(5000);
		rig.jobs.make("a", rig.document({ stream: "s" }));
		rig.run(2 * MINUTE_MS);
		assertUpdated(rig);
		assert.deepEqual(rig.opened, []);
		assert.equal(
			rig.streams.requests.length,
			Math.ceil(NEW.length / STREAM_BLOCK_BYTES),
		);
	});

	it("comes over MQTT on a board that knows no other way, and fails by name where there is no stream", () => {
		const plan = { prefersStreams: true, hasStreamsAlone: true };
		const rig = new Rig(plan);
		rig.jobs.make("a", rig.document({ stream: "s" }));
		rig.run(2 * MINUTE_MS);
		assertUpdated(rig);
		const without = new Rig(plan);
		without.jobs.make("a", without.document({}));
		without.run(2 * MINUTE_MS);
		assert.equal(without.version, "1.0.0");
		assert.deepEqual(without.ends, ["a FAILED no_stream"]);
	});

	it("comes over MQTT on any board where the job names no address, by the difference as well", () => {
		for (const prefersStreams of [false, true]) {
			const rig = new Rig({ prefersStreams });
			const { url: _, ...document } = rig.document({ stream: "s" });
			rig.jobs.make("a", document);
			rig.run(2 * MINUTE_MS);
			assertUpdated(rig);
			assert.deepEqual(rig.opened, []);
		}
		const rig = new Rig();
		const delta = {
			fromSha256: baseSha256(rig),
			fromSizeBytes: OLD.length,
			sizeBytes: 500,
			sha256: "ab".repeat(32),
		};
		const { url: _, ...document } = rig.document({ stream: "s" }, NEW, {
			delta,
		});
		rig.jobs.make("a", document);
		rig.run(2 * MINUTE_MS);
		// The stream has no such file: the whole image it is.
		assertUpdated(rig);
		assert.deepEqual(
			rig.streams.requests.slice(0, 2).map(({ f }) => f),
			[1, 0],
		);
	});

	it("goes on over MQTT where power or connection was lost, and fetches again what was under way alone", () => {
		const rig = new Rig({ prefersStreams: true });
		rig.streams.instead = (_, n) => {
			if (n === 1) rig.board.network.drop();
			if (n === 4) throw new Restarted();
			return n === 1 || n === 4;
		};
		rig.jobs.make("a", rig.document({ stream: "s" }));
		rig.run(5 * MINUTE_MS);
		assertUpdated(rig);
		assert.equal(rig.boots, 3);
		assert.deepEqual(
			rig.streams.requests.map(({ o }) => o),
			[0, 1, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
		);
	});

	it("comes from its address on another board, though there is a stream", () => {
		const rig = new Rig();
		rig.jobs.make("a", rig.document({ stream: "s" }));
		rig.run(2 * MINUTE_MS);
		assertUpdated(rig);
		assert.deepEqual(rig.streams.requests, []);
	});

	it("takes the whole image where the difference is not to be had", () => {
		for (const prefersStreams of [false, true]) {
			const rig = new Rig({ prefersStreams });
			const { sizeBytes, sha256 } = { sizeBytes: 500, sha256: "ab".repeat(32) };
			const source = rig.serve("http://a/delta", new Uint8Array(500));
			source.fault = () => ({ reason: "not_found", afterBytes: 0 });
			const delta = {
				fromSha256: baseSha256(rig),
				fromSizeBytes: OLD.length,
				sizeBytes,
				sha256,
			};
			rig.jobs.make(
				"a",
				rig.document({ stream: "s", deltaUrl: "http://a/delta" }, NEW, {
					delta,
				}),
			);
			rig.run(2 * MINUTE_MS);
			assertUpdated(rig);
		}
	});

	it("asks for its document again when the address has expired, and goes on with that", () => {
		const rig = new Rig();
		const source = rig.sources.get("http://a/new") as FakeSource;
		source.fault = (request) =>
			request === 1 ? { reason: "url_expired", afterBytes: 100 } : null;
		const job = rig.jobs.make("a", rig.document());
		const later = rig.serve("http://a/later", NEW);
		Object.assign(job, {
			jobDocument: rig.document({ url: "http://a/later" }),
		});
		// The first time it is given out as it was.
		const first = rig.document();
		const { take } = rig.jobs;
		let asked = 0;
		Object.assign(rig.jobs, {
			take: (message: Parameters<typeof take>[0]) => {
				if (message.topic.endsWith("/start-next"))
					Object.assign(job, {
						jobDocument:
							asked++ === 0 ? first : rig.document({ url: "http://a/later" }),
					});
				return take(message);
			},
		});
		rig.run(2 * MINUTE_MS);
		assertUpdated(rig);
		assert.deepEqual(later.asked, [source.servedBytes]);
	});

	it("is given up when every address has expired", () => {
		const rig = new Rig();
		const source = rig.sources.get("http://a/new") as FakeSource;
		source.fault = () => ({ reason: "url_expired", afterBytes: 0 });
		rig.jobs.make("a", rig.document());
		rig.run(2 * MINUTE_MS);
		assert.deepEqual(rig.ends, ["a FAILED url_expired"]);
		assert.equal(rig.version, "1.0.0");
	});

	it("goes on after a loss of power where it was", () => {
		const rig = new Rig();
		const source = rig.sources.get("http://a/new") as FakeSource;
		let isCut = false;
		source.fault = () => {
			if (source.asked.length < 1 || isCut) return null;
			isCut = true;
			throw new Restarted();
		};
		rig.jobs.make("a", rig.document());
		rig.run(2 * MINUTE_MS);
		assertUpdated(rig);
		assert.deepEqual(source.asked, [0, 2 * SECTOR]);
	});

	it("is told as failed by the image before, where the new one reaches nobody", () => {
		const rig = new Rig({ isReachable: (version) => version === "1.0.0" });
		rig.jobs.make("a", rig.document());
		rig.run(2 * MINUTE_MS);
		assert.equal(rig.version, "1.1.0");
		rig.run(ALLOWANCE_MS + 6 * MINUTE_MS);
		assert.deepEqual(rig.ends, ["a FAILED no_acknowledgement"]);
		assert.deepEqual(rig.details("a"), {
			reason: "no_acknowledgement",
			version: "1.1.0",
		});
		assert.equal(rig.version, "1.0.0");
		assert.equal(rig.durable.settings.get("update"), undefined);
	});

	it("is told as failed, where the new image restarts before it is confirmed", () => {
		const rig = new Rig({ isAcknowledged: (version) => version === "1.0.0" });
		rig.jobs.make("a", rig.document());
		rig.run(MINUTE_MS);
		assert.equal(rig.version, "1.1.0");
		rig.boot();
		rig.run(MINUTE_MS);
		assert.deepEqual(rig.ends, ["a FAILED not_confirmed"]);
		assert.equal(rig.version, "1.0.0");
	});

	it("is told once more after a restart, where the outcome was not accepted", () => {
		const rig = new Rig();
		rig.jobs.losesAnswer = () => rig.version === "1.1.0" && rig.boots === 2;
		rig.jobs.make("a", rig.document());
		rig.run(MINUTE_MS);
		assert.equal(rig.boots, 2);
		rig.boot();
		rig.run(MINUTE_MS);
		assert.equal(rig.version, "1.1.0");
		assert.equal(rig.details("a").version, "1.1.0");
		assert.equal(rig.durable.settings.get(JOB_KEY), undefined);
	});

	it("is one at a time: another that comes during the trial is refused as busy", () => {
		const rig = new Rig({ isAcknowledged: (version) => version === "1.0.0" });
		rig.jobs.make("a", rig.document());
		rig.run(30_000);
		assert.equal(rig.version, "1.1.0");
		rig.jobs.cancel("a");
		rig.jobs.make("b", rig.document());
		rig.run(3 * MINUTE_MS);
		assert.equal(rig.version, "1.1.0");
		assert.deepEqual(rig.ends, ["b FAILED busy"]);
	});

	it("gives way to the next one when its outcome is of a job that the cloud does not have any more", () => {
		const rig = new Rig();
		rig.jobs.make("a", rig.document());
		while (rig.boots === 1) rig.run(100);
		rig.jobs.cancel("a");
		rig.run(MINUTE_MS);
		const newer = makeImage("1.2.0", 12_000);
		rig.serve("http://a/newer", newer);
		rig.jobs.make("b", rig.document({ url: "http://a/newer" }, newer));
		rig.run(2 * MINUTE_MS);
		assert.equal(rig.version, "1.2.0");
		assert.ok(rig.ends.includes("b SUCCEEDED"));
	});

	it("is left where it is when it is cancelled, and the next one is done", () => {
		const rig = new Rig();
		const source = rig.sources.get("http://a/new") as FakeSource;
		source.fault = () => ({ reason: "server_error", afterBytes: 500 });
		rig.jobs.make("a", rig.document());
		rig.run(10_000);
		rig.jobs.cancel("a");
		rig.run(1000);
		const asked = source.asked.length;
		rig.run(10 * MINUTE_MS);
		assert.equal(source.asked.length, asked);
		assert.deepEqual(rig.ends, []);
		source.fault = () => null;
		rig.jobs.make("b", rig.document());
		rig.run(2 * MINUTE_MS);
		assertUpdated(rig, "b");
	});

	for (const [reason, image, change, key] of [
		["signature_wrong", NEW, {}, makeKey()],
		["wrong_board", NEW, { board: "esp32" }, KEY],
		["wrong_project", NEW, { project: "other" }, KEY],
		["lower_version", makeImage("0.9.0", 5000), {}, KEY],
		["image_too_large", NEW, { sizeBytes: 5 * SECTOR }, KEY],
		["hash_mismatch", NEW, { sha256: "00".repeat(32) }, KEY],
		["wrong_length", NEW, { sizeBytes: NEW.length + 1 }, KEY],
	] as const)
		it(`fails by ${reason}, and the image before runs on`, () => {
			const rig = new Rig();
			rig.jobs.make("a", rig.document({}, image, change, key));
			rig.run(2 * MINUTE_MS);
			assert.deepEqual(rig.ends, [`a FAILED ${reason}`]);
			assert.equal(rig.version, "1.0.0");
			assert.equal(rig.boots, 1);
		});

	it("fails by signature_malformed where the signature has another length", () => {
		const rig = new Rig();
		rig.jobs.make("a", { ...rig.document(), signature: "AAAA" });
		rig.run(MINUTE_MS);
		assert.deepEqual(rig.ends, ["a FAILED signature_malformed"]);
	});

	for (const reason of ["not_found", "ranges_ignored"] as const)
		it(`fails by ${reason} where the server says so`, () => {
			const rig = new Rig();
			const source = rig.sources.get("http://a/new") as FakeSource;
			source.fault = () => ({ reason, afterBytes: 0 });
			rig.jobs.make("a", rig.document());
			rig.run(MINUTE_MS);
			assert.deepEqual(rig.ends, [`a FAILED ${reason}`]);
			assert.equal(rig.details("a").detail, "What was asked for did not come.");
		});

	it("is nothing that a board without a key can do", () => {
		const rig = new Rig({ hasUpdate: false });
		rig.jobs.make("a", rig.document());
		rig.run(MINUTE_MS);
		assert.deepEqual(rig.ends, ["a REJECTED unknown_operation"]);
	});

	it("ends with a node that is stopped, which asks for nothing more", () => {
		const rig = new Rig();
		const source = rig.sources.get("http://a/new") as FakeSource;
		source.fault = () => ({ reason: "connection_lost", afterBytes: 600 });
		rig.jobs.make("a", rig.document());
		rig.run(3000);
		rig.node?.stop();
		const asked = source.asked.length;
		rig.run(10 * MINUTE_MS);
		assert.equal(source.asked.length, asked);
	});
});

function baseSha256(rig: Rig): string {
	const hasher = nodeCrypto.sha256();
	hasher.update(rig.bench.contentOf(0).subarray(0, OLD.length));
	return Buffer.from(hasher.digest()).toString("hex");
}
