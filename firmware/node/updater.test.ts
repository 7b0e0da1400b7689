import assert from "node:assert/strict";
import { encodeDelta } from "../../tools/ota/encode-delta.ts";
import { SeededRandom } from "../boards/virtual/peripherals/random.ts";
import {
	FakeSource,
	makeImage,
	makeKey,
	SLOT_BYTES,
	sha256Of,
	UpdateBench,
} from "./fakes/update-bench.ts";
import { KEY_KEY, SECURITY_KEY } from "./update-check.ts";
import type {
	ByteSource,
	RangeRequest,
	RangeSink,
	UpdateReason,
} from "./update-ports.ts";
import {
	ALLOWANCE_ATTEMPTS,
	ALLOWANCE_MS,
	LONGEST_MS,
} from "./update-trial.ts";
import type { UpdateOrder } from "./updater.ts";

const SECTOR = 4096;
const OLD = makeImage("1.0.0", 9000);
const NEW = makeImage("1.1.0", 9300);
const KEY = makeKey();

const makeBench = () => new UpdateBench(OLD, KEY);

/** An order with a difference to OLD, and with the image unless told. */
function deltaOrder(
	bench: UpdateBench,
	change: { delta?: Uint8Array; withImage?: boolean; fromSha256?: string } = {},
) {
	const delta = change.delta ?? encodeDelta(OLD, NEW);
	const { image, ...order } = bench.order(NEW, {
		delta: {
			fromSha256: change.fromSha256 ?? sha256Of(OLD),
			fromSizeBytes: OLD.length,
			sizeBytes: delta.length,
			sha256: sha256Of(delta),
		},
	});
	return {
		...order,
		...(change.withImage === false ? {} : { image }),
		delta: new FakeSource(delta, bench.timers, 700, 50),
	};
}

function assertUpdated(bench: UpdateBench): void {
	const last = bench.boots.at(-1)!;
	assert.equal(last.version, "1.1.0");
	assert.deepEqual(last.outcomes, [
		{ id: "job-1", version: "1.1.0", reason: null },
	]);
	assert.deepEqual(
		Buffer.from(bench.contentOf(last.runningSlot).subarray(0, NEW.length)),
		Buffer.from(NEW),
	);
}

/** Serves pieces of any length, several in one turn, of which each is overwritten once it was taken. */
class HastySource implements ByteSource {
	/** Now and then a connection is lost. */
	fails = false;
	readonly rangeBytes: number;
	readonly #bytes: Uint8Array;
	readonly #bench: UpdateBench;
	readonly #random: SeededRandom;

	constructor(bytes: Uint8Array, bench: UpdateBench, random: SeededRandom) {
		this.#bytes = bytes;
		this.#bench = bench;
		this.#random = random;
		this.rangeBytes = [8, 32, 1000][random.below(3)] as number;
	}

	fetch(offset: number, lengthBytes: number, sink: RangeSink): RangeRequest {
		const random = this.#random;
		const end = Math.min(this.#bytes.length, offset + lengthBytes);
		const timers = this.#bench.timers();
		let at = offset;
		let isOver = false;
		const step = () => {
			if (this.fails && random.below(5) === 0) {
				isOver = true;
				sink.onFailed("connection_lost");
			}
			for (let n = 1 + random.below(3); n > 0 && !isOver; n--) {
				const length = Math.min(1 + random.below(40), end - at);
				const piece = this.#bytes.slice(at, at + length);
				at += length;
				sink.onBytes(piece);
				piece.fill(0xaa);
				if (isOver || at < end) continue;
				isOver = true;
				sink.onEnd();
			}
			if (!isOver) timers.set(step, 0);
		};
		timers.set(step, 0);
		return {
			cancel() {
				isOver = true;
			},
		};
	}
}

/** The old image runs, and goes on running. */
function assertOld(bench: UpdateBench): void {
	assert.equal(bench.boots.at(-1)?.version, "1.0.0");
	assert.equal(bench.boot({})?.version, "1.0.0");
}

describe("an update", () => {
	it("comes into the idle slot, starts on trial and is confirmed by an acknowledgement", () => {
		const bench = makeBench();
		const order = bench.order(NEW);
		bench.runUntilSettled({ order });
		assertUpdated(bench);
		assert.equal(bench.boots.length, 2);
		assert.equal(order.image.servedBytes, NEW.length);
		assert.deepEqual(
			new Set(bench.boots[0]?.steps.map(({ step }) => step)),
			new Set(["loading", "verifying"]),
		);
		// Nothing of it is left once it was told.
		bench.boots.at(-1)?.trial.settle();
		assert.equal(bench.boots.at(-1)?.trial.outcome, null);
		assert.deepEqual([...bench.values.values.keys()], []);
		assert.equal(bench.boot({})?.version, "1.1.0");
	});

	it("is made of a difference where that is to the image that runs", () => {
		const bench = makeBench();
		const order = deltaOrder(bench);
		bench.runUntilSettled({ order });
		assertUpdated(bench);
		assert.ok(order.delta.servedBytes < NEW.length / 10);
		assert.equal(order.image?.servedBytes, 0);
	});

	it("makes a sector at a time of a difference, so that the node goes on with its work", () => {
		const bench = makeBench();
		const idle = bench.slots[1]!;
		const erases: number[] = [];
		let turn = 0;
		const erase = idle.erase.bind(idle);
		idle.erase = (offset) => {
			erases.push(turn);
			erase(offset);
		};
		const order = deltaOrder(bench);
		// All of it at once: most of it is one long copy.
		const { delta } = order;
		const source = new FakeSource(delta.bytes, bench.timers, 4096, 4096);
		bench.runUntilSettled({
			order: { ...order, delta: source },
			onBoot({ timers }) {
				const set = timers.set.bind(timers);
				timers.set = (callback, delayMs) =>
					set(() => {
						turn++;
						callback();
					}, delayMs);
			},
		});
		assertUpdated(bench);
		assert.equal(source.asked.length, 1);
		assert.equal(erases.length, Math.ceil(NEW.length / SECTOR));
		assert.equal(new Set(erases).size, erases.length);
	});

	it("takes a difference from a source that does not wait, whose connections fail", () => {
		for (let seed = 1; seed < 200; seed++) {
			const bench = makeBench();
			const order = deltaOrder(bench);
			const random = new SeededRandom(seed);
			const delta = new HastySource(order.delta.bytes, bench, random);
			delta.fails = true;
			bench.runUntilSettled({ order: { ...order, delta } });
			assertUpdated(bench);
			assert.equal(order.image?.asked.length, 0, `seed ${seed}`);
		}
	});

	it("is fetched whole where the difference is damaged behind a long copy, and does not wait", () => {
		for (let seed = 1; seed < 200; seed++) {
			const bench = makeBench();
			const order = deltaOrder(bench);
			const random = new SeededRandom(seed);
			const damaged = order.delta.bytes.slice();
			const at = damaged.length - 1 - random.below(60);
			damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
			const delta = new HastySource(damaged, bench, random);
			bench.runUntilSettled({ order: { ...order, delta } });
			assertUpdated(bench);
		}
	});

	it("that is called off in the middle of a difference leaves nothing of it to the next", () => {
		const bench = makeBench();
		const order = deltaOrder(bench);
		const next = { ...deltaOrder(bench), id: "job-2" };
		const { bytes } = order.delta;
		const whole = new FakeSource(bytes, bench.timers, 4096, 4096);
		bench.runUntilSettled({
			order: { ...order, delta: whole },
			onBoot({ updater, timers, steps }) {
				if (bench.boots.length > 1) return;
				const change = () => {
					updater.cancel("job-1");
					assert.equal(updater.start(next), null);
				};
				steps.push = (step) => {
					if (step.doneBytes === SECTOR && updater.workingFor === "job-1")
						timers.set(change, 0);
					return 0;
				};
			},
		});
		assert.equal(bench.boots.at(-1)?.version, "1.1.0");
		assert.equal(next.image?.asked.length, 0);
	});

	it("is fetched whole where the difference is to another image", () => {
		const bench = makeBench();
		const order = deltaOrder(bench, { fromSha256: "00".repeat(32) });
		bench.runUntilSettled({ order });
		assertUpdated(bench);
		assert.equal(order.delta.servedBytes, 0);
	});

	it("is fetched whole where the difference is damaged, in whatever way", () => {
		const good = encodeDelta(OLD, NEW);
		const noise = good.slice();
		noise.fill(0x55, 12);
		const literal = good.slice();
		literal[literal.length - 1] = (literal.at(-1) ?? 0) ^ 1;
		for (const delta of [
			noise,
			literal,
			good.subarray(0, -1),
			new Uint8Array(9),
		]) {
			const bench = makeBench();
			bench.runUntilSettled({ order: deltaOrder(bench, { delta }) });
			assertUpdated(bench);
		}
	});

	for (const [what, change, reason] of [
		["to another image", { fromSha256: "00".repeat(32) }, "wrong_base"],
		[
			"that is noise",
			{ delta: new Uint8Array(50).fill(0x55) },
			"delta_malformed",
		],
		[
			"that is cut off",
			{ delta: encodeDelta(OLD, NEW).subarray(0, -1) },
			"delta_malformed",
		],
		[
			"to an image of another size",
			{ delta: encodeDelta(OLD.subarray(1), NEW) },
			"delta_sizes",
		],
		[
			"that makes another image",
			{ delta: encodeDelta(OLD, makeImage("1.1.1", 9300)) },
			"hash_mismatch",
		],
	] as const)
		it(`fails by a difference ${what} with no image beside it: ${reason}`, () => {
			const bench = makeBench();
			const order = deltaOrder(bench, { ...change, withImage: false });
			const boot = bench.runUntilSettled({ order });
			assert.deepEqual(boot.failures, [reason]);
			assertOld(bench);
		});

	it("is taken of the same version, and of the largest image that fits", () => {
		for (const image of [
			makeImage("1.0.0", 5000),
			makeImage("1.1.0", SLOT_BYTES - 400),
		]) {
			const bench = makeBench();
			bench.runUntilSettled({ order: bench.order(image) });
			assert.equal(bench.boots.at(-1)?.outcomes[0]?.reason, null);
		}
	});

	const other = makeKey();
	for (const [what, make, reason] of [
		["another key", (bench) => bench.order(NEW, {}, other), "signature_wrong"],
		[
			"a signature that is cut off",
			(bench) => ({ ...bench.order(NEW), signature: new Uint8Array(63) }),
			"signature_malformed",
		],
		[
			"a signature of zeros",
			(bench) => ({ ...bench.order(NEW), signature: new Uint8Array(64) }),
			"signature_malformed",
		],
		[
			"another project",
			(bench) => bench.order(NEW, { project: "other" }),
			"wrong_project",
		],
		[
			"another board",
			(bench) => bench.order(NEW, { board: "esp32s3" }),
			"wrong_board",
		],
		[
			"a lower version",
			(bench) => bench.order(makeImage("0.9.9", 5000)),
			"lower_version",
		],
		[
			"an image larger than the slot",
			(bench) => bench.order(NEW, { sizeBytes: SLOT_BYTES + 1 }),
			"image_too_large",
		],
		[
			"a manifest that is none",
			(bench) => {
				const manifest = new Uint8Array(Buffer.from("{}"));
				return { ...bench.order(NEW), manifest, signature: KEY.sign(manifest) };
			},
			"manifest_version",
		],
		[
			"a manifest that is too long",
			(bench) => {
				const manifest = new Uint8Array(2000).fill(32);
				return { ...bench.order(NEW), manifest, signature: KEY.sign(manifest) };
			},
			"manifest_too_long",
		],
	] as readonly [string, (bench: UpdateBench) => UpdateOrder, UpdateReason][])
		it(`is refused with ${what}, and nothing is fetched or erased: ${reason}`, () => {
			const bench = makeBench();
			const order = make(bench);
			const boot = bench.runUntilSettled({ order });
			assert.equal(boot.refused, reason);
			assert.equal((order.image as FakeSource).asked.length, 0);
			assert.equal(bench.supply.operations, bench.operationsBefore);
			assertOld(bench);
		});

	it("is refused with any bit of its manifest changed", () => {
		const bench = makeBench();
		const { manifest, ...order } = bench.order(NEW);
		bench.boot({
			onBoot: ({ updater }) => {
				for (let bit = 0; bit < manifest.length * 8; bit++) {
					const altered = manifest.slice();
					altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
					assert.equal(
						updater.start({ ...order, manifest: altered }),
						"signature_wrong",
					);
				}
			},
		});
	});

	it("fails where any of a sample of its image's bits is changed", () => {
		for (let bit = 3; bit < NEW.length * 8; bit += 2999) {
			const bench = makeBench();
			const altered = NEW.slice();
			altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
			const order = {
				...bench.order(NEW),
				image: new FakeSource(altered, bench.timers),
			};
			const boot = bench.runUntilSettled({ order });
			assert.deepEqual(boot.failures, ["hash_mismatch"]);
			assert.equal(bench.activations, 0);
			assertOld(bench);
		}
	});

	it("fails where the image is shorter than its manifest says", () => {
		const bench = makeBench();
		const order = {
			...bench.order(NEW),
			image: new FakeSource(NEW.subarray(0, -1), bench.timers),
		};
		assert.deepEqual(bench.runUntilSettled({ order }).failures, [
			"wrong_length",
		]);
		assertOld(bench);
	});

	for (const reason of ["not_found", "ranges_ignored"] as const)
		it(`fails at once by ${reason}`, () => {
			const bench = makeBench();
			const order = bench.order(NEW);
			order.image.fault = () => ({ reason, afterBytes: 0 });
			assert.deepEqual(bench.runUntilSettled({ order }).failures, [reason]);
			assert.equal(order.image.asked.length, 1);
		});

	for (const reason of ["connection_lost", "server_error"] as const) {
		it(`goes on where it was after ${reason}`, () => {
			const bench = makeBench();
			const order = bench.order(NEW);
			order.image.fault = (request) =>
				request < 4 ? { reason, afterBytes: 5000 } : null;
			bench.runUntilSettled({ order });
			assertUpdated(bench);
			// What had come is not fetched again.
			assert.deepEqual(order.image.asked, [0, 5400]);
			assert.equal(order.image.servedBytes, NEW.length);
		});

		it(`is given up, by a difference, when ${reason} does not end`, () => {
			const bench = makeBench();
			const { image: _, ...order } = deltaOrder(bench);
			const delta = new FakeSource(order.delta.bytes, bench.timers, 16, 16);
			delta.fault = (request) =>
				request < 2 ? null : { reason, afterBytes: 0 };
			const boot = bench.runUntilSettled({
				order: { ...order, delta },
				untilMs: 24 * 3_600_000,
			});
			assert.deepEqual(boot.failures, [reason]);
			assert.equal(delta.asked.length, 2 + 12);
		});

		it(`is given up when ${reason} does not end`, () => {
			const bench = makeBench();
			const order = bench.order(NEW);
			order.image.fault = () => ({ reason, afterBytes: 0 });
			const boot = bench.runUntilSettled({ order, untilMs: 24 * 3_600_000 });
			assert.deepEqual(boot.failures, [reason]);
			assert.equal(order.image.asked.length, 12);
			assertOld(bench);
		});
	}

	it("is not given up where something comes each time", () => {
		const bench = makeBench();
		const order = bench.order(NEW);
		const image = new FakeSource(NEW, bench.timers, 256, 256);
		image.fault = (request) =>
			request % 2 === 1 ? { reason: "connection_lost", afterBytes: 0 } : null;
		bench.runUntilSettled({ order: { ...order, image } });
		assertUpdated(bench);
		assert.ok(image.asked.length > 48);
	});

	it("asks for another address when the one that it has expires, and goes on with that", () => {
		const bench = makeBench();
		const order = bench.order(NEW);
		const renewed = bench.order(NEW);
		order.image.fault = () => ({ reason: "url_expired", afterBytes: 5000 });
		let asked = 0;
		bench.runUntilSettled({
			order,
			onBoot: (boot) => {
				const look = () => {
					if (boot.expirations > asked) {
						asked++;
						assert.equal(boot.updater.start(renewed), null);
					}
					if (asked === 0) boot.timers.set(look, 10);
				};
				look();
			},
		});
		assertUpdated(bench);
		assert.equal(asked, 1);
		assert.equal(renewed.image.asked[0], 5400);
	});

	it("is one at a time", () => {
		const bench = makeBench();
		const order = bench.order(NEW);
		bench.boot({
			order,
			untilMs: 1005,
			onBoot: ({ timers, updater }) => {
				timers.set(() => {
					assert.equal(updater.workingFor, "job-1");
					assert.equal(updater.start({ ...order, id: "job-2" }), "busy");
					assert.equal(updater.start(order), null);
				}, 1003);
			},
		});
		assert.equal(order.image.asked.length, 1);
	});

	it("is not begun before the last one's outcome was told", () => {
		const bench = makeBench();
		bench.runUntilSettled({ order: bench.order(NEW) });
		const boot = bench.boots.at(-1)!;
		const next = { ...bench.order(makeImage("1.2.0", 5000)), id: "job-2" };
		assert.equal(boot.updater.start(next), "busy");
		boot.trial.settle();
		assert.equal(boot.updater.start(next), null);
	});

	it("is called off at any time, by its own id", () => {
		const bench = makeBench();
		const order = bench.order(NEW);
		const boot = bench.boot({
			order,
			onBoot: ({ timers, updater }) => {
				timers.set(() => updater.cancel("job-2"), 1005);
				timers.set(() => updater.cancel("job-1"), 1010);
			},
		});
		assert.deepEqual(boot?.failures, ["cancelled"]);
		assert.deepEqual([...bench.values.values.keys()], []);
		assertOld(bench);
	});

	it("is not called off any more once the bootloader was told", () => {
		const bench = makeBench();
		let looked = false;
		const order = bench.order(NEW);
		bench.boot({
			order,
			onBoot: ({ timers, updater }) => {
				bench.onActivate = () =>
					void timers.set(() => {
						assert.equal(updater.workingFor, null);
						updater.cancel("job-1");
						assert.equal(updater.start(order), "busy");
						looked = true;
					}, 0);
			},
		});
		assert.ok(looked);
		bench.runUntilSettled({});
		assertUpdated(bench);
	});

	it("that ends with the node goes on at the next start", () => {
		const bench = makeBench();
		const order = bench.order(NEW);
		bench.boot({
			order,
			onBoot: ({ timers, updater }) =>
				void timers.set(() => updater.stop(), 1010),
		});
		assert.equal(bench.boots[0]?.failures.length, 0);
		bench.runUntilSettled({ order });
		assertUpdated(bench);
		assert.equal(order.image.asked.at(-1)! % SECTOR, 0);
		assert.ok(order.image.asked.at(-1)! > 0);
	});

	it("begins anew where another manifest came in between", () => {
		const bench = makeBench();
		const first = bench.order(makeImage("1.0.5", 9300));
		bench.boot({ order: first, untilMs: 1010 });
		const order = bench.order(NEW);
		bench.runUntilSettled({ order });
		assertUpdated(bench);
		assert.equal(order.image.asked[0], 0);
	});

	it("fails by flash that takes nothing", () => {
		const bench = makeBench();
		bench.slots[1]!.isWornOut = true;
		const boot = bench.runUntilSettled({ order: bench.order(NEW) });
		assert.deepEqual(boot.failures, ["flash_failed"]);
		assertOld(bench);
	});

	it("fails by settings that take nothing", () => {
		const bench = makeBench();
		bench.settings.fault = "unwritable";
		const boot = bench.runUntilSettled({ order: bench.order(NEW) });
		assert.deepEqual(boot.failures, ["settings_failed"]);
		assertOld(bench);
	});

	it("fails where the board does not take the image", () => {
		const bench = makeBench();
		bench.activationFails = true;
		const boot = bench.runUntilSettled({ order: bench.order(NEW) });
		assert.deepEqual(boot.failures, ["switch_failed"]);
		assertOld(bench);
	});

	it("goes on from settings that are garbage as from none", () => {
		for (const [update, at] of [
			["{", "4096"],
			["7", "x"],
			['{"v":1}', "1 2 3"],
			['{"v":2,"phase":"trial"}', ""],
			["null", "4096 1 2 3"],
		] as const) {
			const bench = makeBench();
			bench.values.set("update", update);
			bench.values.set("updateAt", at);
			bench.runUntilSettled({ order: bench.order(NEW) });
			assertUpdated(bench);
		}
	});

	it("does not believe progress that cannot be", () => {
		for (const at of [
			"9999999",
			"4096 0 9 0 0 0 0 0 4096",
			"-1",
			"1e9",
			"0.5",
		]) {
			const bench = makeBench();
			const order = bench.order(NEW);
			bench.boot({ order, untilMs: 1003 });
			bench.values.set("updateAt", at);
			bench.runUntilSettled({ order });
			assertUpdated(bench);
		}
	});

	it("whose progress is not of what is in flash fails by its hash, and not otherwise", () => {
		for (const at of ["4097", "8192", `${NEW.length}`]) {
			const bench = makeBench();
			const order = bench.order(NEW);
			bench.boot({ order, untilMs: 1003 });
			bench.values.set("updateAt", at);
			assert.deepEqual(bench.runUntilSettled({ order }).failures, [
				"hash_mismatch",
			]);
			bench.runUntilSettled({ order });
			assertUpdated(bench);
		}
	});
});

describe("a new image on trial", () => {
	it("gives itself up when nothing is acknowledged in its time and its attempts", () => {
		const bench = makeBench();
		bench.boot({ order: bench.order(NEW) });
		const trial = bench.boot({
			acknowledgedAfterMs: null,
			failsEveryMs: (2 * ALLOWANCE_MS) / ALLOWANCE_ATTEMPTS,
		});
		assert.equal(trial?.version, "1.1.0");
		assert.equal(trial?.end, "restart");
		assert.ok((trial?.endedAtMs ?? 0) >= ALLOWANCE_MS);
		const after = bench.boot({});
		assert.equal(after?.version, "1.0.0");
		assert.deepEqual(after?.outcomes, [
			{ id: "job-1", version: "1.1.0", reason: "no_acknowledgement" },
		]);
		assertOld(bench);
	});

	it("gives itself up after its longest time though it has not tried to connect", () => {
		const bench = makeBench();
		bench.boot({ order: bench.order(NEW) });
		const trial = bench.boot({ acknowledgedAfterMs: null });
		assert.equal(trial?.end, "restart");
		assert.equal(trial?.endedAtMs, LONGEST_MS);
	});

	it("does not give itself up for attempts that fail soon, nor after it was confirmed", () => {
		const bench = makeBench();
		bench.boot({ order: bench.order(NEW) });
		const trial = bench.boot({
			acknowledgedAfterMs: ALLOWANCE_MS - 1000,
			failsEveryMs: 1000,
		});
		assert.equal(trial?.end, "time");
		assertUpdated(bench);
	});

	it("that loses its power before that is left for the one before", () => {
		const bench = makeBench();
		bench.boot({ order: bench.order(NEW) });
		bench.boot({ acknowledgedAfterMs: null, untilMs: 5000 });
		const after = bench.boot({});
		assert.deepEqual(after?.outcomes, [
			{ id: "job-1", version: "1.1.0", reason: "not_confirmed" },
		]);
		after?.trial.settle();
		assertOld(bench);
	});

	it("that never comes up is tried three times, and no more", () => {
		const bench = makeBench();
		bench.crashing = "1.1.0";
		const boot = bench.runUntilSettled({ order: bench.order(NEW) });
		assert.equal(boot.version, "1.0.0");
		assert.equal(boot.outcomes[0]?.reason, "did_not_start");
		assert.equal(bench.activations, 3);
		assertOld(bench);
	});

	it("is told of at every start until somebody has said it", () => {
		const bench = makeBench();
		bench.runUntilSettled({ order: bench.order(NEW) });
		for (let n = 0; n < 3; n++)
			assert.equal(bench.boot({})?.outcomes.length, 1);
		bench.boot({ onBoot: ({ trial }) => trial.settle() });
		assert.deepEqual(bench.boot({})?.outcomes, []);
	});
});

describe("what an update leaves for the next ones", () => {
	it("is the highest security version, below which none is taken", () => {
		const bench = makeBench();
		bench.runUntilSettled({ order: bench.order(NEW, { securityVersion: 3 }) });
		bench.boots.at(-1)?.trial.settle();
		const image = makeImage("1.2.0", 5000);
		const boot = bench.runUntilSettled({
			order: bench.order(image, { securityVersion: 2 }),
		});
		assert.equal(boot.refused, "lower_security_version");
		bench.runUntilSettled({
			order: bench.order(image, { securityVersion: 3 }),
		});
		assert.equal(bench.boots.at(-1)?.version, "1.2.0");
		assert.equal(bench.values.get(SECURITY_KEY), "3");
	});

	it("is the next key, and the one before counts no more", () => {
		const bench = makeBench();
		const next = makeKey();
		bench.runUntilSettled({ order: bench.order(NEW, { nextKey: next.point }) });
		bench.boots.at(-1)?.trial.settle();
		assert.equal(bench.values.get(KEY_KEY), next.point);
		const image = makeImage("1.2.0", 5000);
		const boot = bench.runUntilSettled({ order: bench.order(image) });
		assert.equal(boot.refused, "signature_wrong");
		bench.runUntilSettled({ order: bench.order(image, {}, next) });
		assert.equal(bench.boots.at(-1)?.version, "1.2.0");
	});

	it("is nothing where it was not confirmed", () => {
		const bench = makeBench();
		const change = { nextKey: makeKey().point, securityVersion: 9 };
		bench.boot({ order: bench.order(NEW, change) });
		bench.boot({ acknowledgedAfterMs: null, untilMs: 5000 });
		bench.boot({ onBoot: ({ trial }) => trial.settle() });
		assert.deepEqual([...bench.values.values.keys()], []);
		bench.runUntilSettled({ order: bench.order(NEW) });
		assertUpdated(bench);
	});

	it("is the firmware's own key where the stored one is none", () => {
		const bench = makeBench();
		bench.values.set(KEY_KEY, "04");
		bench.values.set(SECURITY_KEY, "many");
		bench.runUntilSettled({ order: bench.order(NEW) });
		assert.equal(bench.boots.at(-1)?.version, "1.1.0");
	});
});
