/** Of the natives in C, those for memory that outlives resets, and for the note of an abort. */
import assert from "node:assert/strict";
import { NativeChip, Reset } from "../testing/native-chip.ts";

const NOT_FOUND = 0x105;
const INVALID_SIZE = 0x104;

const NOINIT_BYTES = 192;
/** Each byte costs two starts of a program; `make prove` takes all. */
const STRIDE = process.env.THINGHZ_EXHAUSTIVE === "1" ? 1 : 7;

describe("the natives' memory that outlives resets", () => {
	let chip: NativeChip;

	before(() => {
		chip = new NativeChip();
	});
	after(() => chip.remove());

	for (const [name, reset] of [
		["a restart", Reset.SW],
		["a panic", Reset.PANIC],
		["the watchdog", Reset.TASK_WDT],
		["a wake", Reset.DEEPSLEEP],
		["a brown-out", Reset.BROWNOUT],
	] as const) {
		it(`keeps what was written through ${name}`, () => {
			chip.start(
				Reset.POWERON,
				"lasting_write 0",
				"lasting_write 2556",
				"xs_abort",
			);
			assert.deepEqual(
				chip.start(reset, "lasting_read 0", "lasting_read 2556").lines,
				["0 4242424200", "0 4242424200"],
			);
		});
	}

	it("has anything after a loss of power", () => {
		chip.start(Reset.POWERON, "lasting_write 0", "xs_abort");
		const { lines } = chip.start(Reset.POWERON, "lasting_read 0");
		assert.notEqual(lines[0], "0 4242424200");
	});

	it("has 2,560 bytes, and refuses what lies outside", () => {
		assert.deepEqual(
			chip.start(
				Reset.POWERON,
				"lasting_size",
				"lasting_write 2557",
				"lasting_read 2557",
				"lasting_read 4294967295",
			).lines,
			[
				"2560",
				`${INVALID_SIZE}`,
				`${INVALID_SIZE} 0000000000`,
				`${INVALID_SIZE} 0000000000`,
			],
		);
	});
});

describe("the natives' note of an abort", () => {
	let chip: NativeChip;

	before(() => {
		chip = new NativeChip();
	});
	after(() => chip.remove());

	function abort(cause: string): void {
		chip.start(
			Reset.POWERON,
			"reset_reason",
			"set timer_us 5000000",
			`aborting ${cause}`,
			"xs_abort",
		);
	}

	it("says the cause, when it was, and what was free", () => {
		abort("unhandled exception");
		assert.deepEqual(chip.start(Reset.SW, "abort_note").lines, [
			"0 5000 1234 unhandled exception",
		]);
	});

	it("is cut where the cause is long", () => {
		abort("x".repeat(200));
		assert.deepEqual(chip.start(Reset.SW, "abort_note").lines, [
			`0 5000 1234 ${"x".repeat(112)}`,
		]);
	});

	it("is there for the start after it alone, however often it is asked for", () => {
		abort("fatal");
		const { lines } = chip.start(
			Reset.SW,
			"abort_note",
			"reset_reason",
			"abort_note",
			"restart",
		);
		assert.equal(lines[0], lines[2]);
		assert.deepEqual(chip.start(Reset.SW, "abort_note").lines, [
			`${NOT_FOUND} 0 0 `,
		]);
	});

	it("is not there after another reset, a loss of power, or a stack overflow", () => {
		for (const reset of [Reset.PANIC, Reset.TASK_WDT, Reset.POWERON]) {
			abort("fatal");
			assert.deepEqual(chip.start(reset, "abort_note").lines, [
				`${NOT_FOUND} 0 0 `,
			]);
		}
		chip.start(Reset.POWERON, "reset_reason", "xs_abort");
		assert.deepEqual(chip.start(Reset.SW, "abort_note").lines, [
			`${NOT_FOUND} 0 0 `,
		]);
	});

	it("is not there when any of it is damaged", () => {
		// Behind it lies other memory, damage to which does it no harm.
		let harmed = 0;
		for (let at = 0; at < NOINIT_BYTES; at += STRIDE) {
			chip.start(
				Reset.POWERON,
				"reset_reason",
				"aborting fatal",
				`damage_noinit ${at}`,
				"xs_abort",
			);
			const [line] = chip.start(Reset.SW, "abort_note").lines;
			assert.ok(line === "0 0 1234 fatal" || line === `${NOT_FOUND} 0 0 `);
			if (line !== "0 0 1234 fatal") harmed++;
		}
		const share = harmed / Math.ceil(NOINIT_BYTES / STRIDE);
		if (STRIDE === 1) assert.equal(harmed, 4 + 4 + 128);
		else assert.ok(share > 0.6 && share < 0.8, `${harmed} did harm`);
	});
});
