/** What the natives in C keep over a deep sleep, on the stand-in for the chip. */
import assert from "node:assert/strict";
import { NativeChip, Reset } from "../testing/native-chip.ts";

describe("over a deep sleep, the natives", () => {
	let chip: NativeChip;

	before(() => {
		chip = new NativeChip();
	});
	after(() => chip.remove());

	describe("keep bytes over a deep sleep", () => {
		it("of the length that was retained, up to 4 KB", () => {
			for (const length of [1, 100, 4096]) {
				chip.start(Reset.POWERON, `retain ${length}`, "sleep 1000");
				assert.deepEqual(chip.start(Reset.DEEPSLEEP, "retained").lines, [
					`${length} 42`,
				]);
			}
		});

		it("even none", () => {
			chip.start(Reset.POWERON, "retain 0", "sleep 1000");
			assert.deepEqual(chip.start(Reset.DEEPSLEEP, "retained").lines, ["0 00"]);
		});

		it("but no more than there is room for", () => {
			const { lines } = chip.start(Reset.POWERON, "capacity", "retain 4097");
			assert.deepEqual(lines, ["4096", String(0x104)]);
		});

		it("and no others: not without retaining, not after another reset, not while still awake", () => {
			chip.start(Reset.POWERON, "sleep 1000");
			assert.deepEqual(chip.start(Reset.DEEPSLEEP, "retained").lines, [
				"-1 00",
			]);
			for (const reset of [
				Reset.POWERON,
				Reset.SW,
				Reset.PANIC,
				Reset.TASK_WDT,
				Reset.BROWNOUT,
			]) {
				chip.start(Reset.POWERON, "retain 8", "sleep 1000");
				assert.deepEqual(chip.start(reset, "retained").lines, ["-1 00"]);
			}
			assert.deepEqual(
				chip.start(Reset.POWERON, "retain 8", "retained").lines,
				["0", "-1 00"],
			);
		});

		it("but not when any bit of them changed", () => {
			for (const at of [0, 4, 8, 12, 19]) {
				chip.start(Reset.POWERON, "retain 8", `damage_rtc ${at}`, "sleep 1000");
				assert.equal(
					chip.start(Reset.DEEPSLEEP, "retained").lines[0],
					"-1 00",
					`byte ${at}`,
				);
			}
		});
	});

	describe("count time", () => {
		it("from the boot on", () => {
			assert.deepEqual(
				chip.start(Reset.POWERON, "set timer_us 1234567", "uptime_ms").lines,
				["1234"],
			);
		});

		it("over sleeps, by the RTC", () => {
			chip.start(
				Reset.POWERON,
				"set timer_us 5000000",
				"set rtc_us 7000000",
				"sleep 60000",
			);
			// The wake found the RTC 60.5 s on, 0.3 s of which the program has been running.
			chip.start(
				Reset.DEEPSLEEP,
				"set timer_us 300000",
				"set rtc_us 67500000",
				"uptime_ms",
				"set timer_us 900000",
				"set rtc_us 68100000",
				"sleep 60000",
			);
			const { lines } = chip.start(
				Reset.DEEPSLEEP,
				"set timer_us 200000",
				"set rtc_us 128300000",
				"uptime_ms",
				"set timer_us 1200000",
				"uptime_ms",
			);
			assert.deepEqual(lines, ["126300", "127300"]);
		});

		it("anew after any other reset", () => {
			chip.start(Reset.POWERON, "set timer_us 5000000", "sleep 60000");
			for (const reset of [Reset.POWERON, Reset.SW, Reset.TASK_WDT])
				assert.deepEqual(
					chip.start(reset, "set timer_us 250000", "uptime_ms").lines,
					["250"],
				);
		});

		it("anew, and without what was retained, when what is known of the sleep is damaged", () => {
			// Behind what is retained: magic, length, CRC and 4,096 bytes.
			for (let at = 4112; at < 4112 + 20; at++) {
				chip.start(
					Reset.POWERON,
					"retain 8",
					"set timer_us 5000000",
					"sleep 60000",
				);
				assert.deepEqual(
					chip.start(
						Reset.DEEPSLEEP,
						`damage_rtc ${at}`,
						"set timer_us 250000",
						"uptime_ms",
						"retained",
					).lines,
					["250", "-1 00"],
					`byte ${at}`,
				);
			}
		});

		it("and never back, though the RTC's clock does", () => {
			chip.start(
				Reset.POWERON,
				"set timer_us 5000000",
				"set rtc_us 9000000",
				"sleep 1000",
			);
			assert.deepEqual(
				chip.start(
					Reset.DEEPSLEEP,
					"set timer_us 1000",
					"set rtc_us 8000000",
					"uptime_ms",
				).lines,
				["5000"],
			);
		});
	});

	it("sleep for as long as they are told, with the radio stopped", () => {
		const { lines, ending } = chip.start(Reset.POWERON, "sleep 86400000");
		assert.deepEqual(lines, ["wifi stopped", "sleep 86400000000"]);
		assert.equal(ending, "slept");
	});
});
