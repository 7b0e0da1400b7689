/** One update under a power cut: at each flash operation of it, one run for each, and at each block that came. */
import assert from "node:assert/strict";
import { encodeDelta } from "../../tools/ota/encode-delta.ts";
import type { CutMoment } from "../boards/virtual/peripherals/flash.ts";
import {
	FakeSource,
	makeImage,
	makeKey,
	sha256Of,
	UpdateBench,
} from "./fakes/update-bench.ts";
import type { UpdateReason } from "./update-ports.ts";
import type { UpdateOrder } from "./updater.ts";

/** A block, which comes at once, and is lost with the power. */
const IMAGE_BLOCK = 1024;
const DELTA_BLOCK = 512;
const SECTOR = 4096;
/** Of a range, what comes at once. */
const PIECE = 600;
const OLD = makeImage("1.0.0", 7000);
const NEW = makeImage("1.1.0", 5000);
/** Has as much in it that is new as makes several sectors, and before and behind that what is not. */
const LONG = makeImage("1.1.0", 12_000, 4000);
const DELTA = encodeDelta(OLD, LONG);
const KEY = makeKey();
const MOMENTS: readonly CutMoment[] = ["before", "torn", "scattered", "after"];

interface Case {
	readonly bench: UpdateBench;
	readonly order: UpdateOrder;
	readonly source: FakeSource;
	/** All that has to come when nothing is cut. */
	readonly sizeBytes: number;
	/** What a cut may cost of it. */
	readonly costBytes: number;
}

function caseOf(
	image: Uint8Array,
	blockBytes: number,
	pieceBytes = blockBytes,
): Case {
	const bench = new UpdateBench(OLD, KEY);
	const source = new FakeSource(image, bench.timers, blockBytes, pieceBytes);
	const order = { ...bench.order(image), image: source };
	const { length: sizeBytes } = image;
	return { bench, order, source, sizeBytes, costBytes: blockBytes };
}

function deltaCase(): Case {
	const bench = new UpdateBench(OLD, KEY);
	const source = new FakeSource(DELTA, bench.timers, DELTA_BLOCK, DELTA_BLOCK);
	const order = {
		...bench.order(LONG, {
			delta: {
				fromSha256: sha256Of(OLD),
				fromSizeBytes: OLD.length,
				sizeBytes: DELTA.length,
				sha256: sha256Of(DELTA),
			},
		}),
		delta: source,
	};
	return {
		bench,
		order,
		source,
		sizeBytes: DELTA.length,
		costBytes: DELTA_BLOCK,
	};
}

const imageCase = () => caseOf(NEW, IMAGE_BLOCK);
/** A range that is longer than a sector, in pieces: it costs a sector. */
const rangeCase = () => ({
	...caseOf(LONG, 10_000, PIECE),
	costBytes: SECTOR + PIECE,
});

/** On a machine that was cut off once: it ends on a valid image, and the job is told how. */
function assertEnds(
	{ bench, order }: Case,
	where: string,
): UpdateReason | null {
	const last = bench.runUntilSettled({ order });
	const [outcome] = last.outcomes;
	assert.deepEqual(last.failures, [], where);
	assert.ok(outcome !== undefined, where);
	assert.equal(
		last.version,
		outcome.reason === null ? "1.1.0" : "1.0.0",
		where,
	);
	assert.ok(bench.isValid(last.runningSlot), where);
	// And stays there, once it was told; a cut in between would have it told again.
	bench.supply.cancelCut();
	last.trial.settle();
	const again = bench.boot({});
	assert.equal(again?.version, last.version, where);
	assert.deepEqual(again?.outcomes, [], where);
	return outcome.reason;
}

for (const [kind, makeCase] of [
	["the image, block by block", imageCase],
	["a difference, block by block", deltaCase],
	["the image, by ranges", rangeCase],
] as const)
	describe(`an update by ${kind}, under a power cut`, () => {
		for (const moment of MOMENTS)
			it(`ends on a valid image, ${moment === "before" || moment === "after" ? moment : `${moment} in`} each of its flash operations, and costs ${kind.endsWith("ranges") ? "a sector" : "a block"} at most`, () => {
				const whole = makeCase();
				whole.bench.runUntilSettled({ order: whole.order });
				const { operations } = whole.bench.supply;
				assertEnds(whole, "uncut");
				assert.equal(whole.source.servedBytes, whole.sizeBytes);
				const asked = whole.source.asked.length;
				const reasons = new Map<UpdateReason | null, number>();
				for (
					let operation = whole.bench.operationsBefore + 1;
					operation <= operations;
					operation++
				) {
					const cut = makeCase();
					const where = `${moment} ${operation} of ${operations}`;
					cut.bench.supply.cutAt(operation, moment, operation * 31);
					const reason = assertEnds(cut, where);
					reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
					assert.ok(
						cut.source.servedBytes <= cut.sizeBytes + cut.costBytes,
						`${where}: ${cut.source.servedBytes} of ${cut.sizeBytes}`,
					);
					assert.ok(cut.source.asked.length <= asked + 1, where);
				}
				// On trial a cut is a restart that was not confirmed, by the bootloader's rule.
				assert.ok((reasons.get(null) ?? 0) > 10);
				assert.deepEqual(
					[...reasons.keys()].filter(
						(reason) => reason !== null && reason !== "not_confirmed",
					),
					[],
				);
			});

		it("goes on where it was kept, ended after each piece that came", () => {
			const whole = makeCase();
			whole.bench.runUntilSettled({ order: whole.order });
			const { asked } = whole.source;
			const mostMs = 2 * (asked.length + whole.sizeBytes / PIECE);
			for (let after = 0; after < mostMs; after++) {
				const cut = makeCase();
				const { bench, order, source } = cut;
				bench.boot({ order, untilMs: 1000 + after });
				const before = source.asked.length;
				const durable = Number(
					(bench.values.get("updateAt") ?? "0 0")
						.split(" ")
						.at(kind.startsWith("the image") ? 0 : 1) ?? 0,
				);
				assertEnds(cut, `${after}`);
				if (before > 0 && source.asked.length > before)
					assert.equal(source.asked[before], durable, `${after}`);
				assert.ok(
					source.servedBytes <= cut.sizeBytes + cut.costBytes,
					`${after}`,
				);
			}
		});
	});

describe("an update under two power cuts", () => {
	it("ends on a valid image, at each operation and some operations later", () => {
		const whole = imageCase();
		whole.bench.runUntilSettled({ order: whole.order });
		const { operations } = whole.bench.supply;
		for (
			let first = whole.bench.operationsBefore + 1;
			first <= operations;
			first++
		) {
			const after = 1 + ((first * 7) % 40);
			const cut = imageCase();
			const { bench, order } = cut;
			bench.supply.cutAt(first, MOMENTS[first % 4], first);
			bench.boot({ order });
			bench.supply.restore();
			if (bench.boots.at(-1)?.outcomes.length === 1) continue;
			bench.supply.cutAt(
				bench.supply.operations + after,
				MOMENTS[after % 4],
				after,
			);
			assertEnds(cut, `${first}, ${after} later`);
		}
	});
});
