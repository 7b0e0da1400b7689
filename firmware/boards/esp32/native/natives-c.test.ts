/** The natives in C, compiled here against declarations of ESP-IDF's functions and run on a stand-in for the chip. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { NativeChip, Reset } from "../testing/native-chip.ts";
import { RESET_REASONS } from "./natives.ts";

describe("the natives", () => {
	let chip: NativeChip;

	before(function () {
		this.timeout(60_000);
		chip = new NativeChip();
	});
	after(() => chip.remove());

	/** The reset reason that a start tells, by its name. */
	function reasonOf(reset: number): string | undefined {
		const { lines } = chip.start(reset, "reset_reason");
		return RESET_REASONS[Number(lines[0])];
	}

	describe("tell why the chip was reset", () => {
		for (const [reset, name] of [
			[Reset.UNKNOWN, "unknown"],
			[Reset.POWERON, "power_on"],
			[Reset.EXT, "restart"],
			[Reset.PANIC, "crash"],
			[Reset.INT_WDT, "watchdog"],
			[Reset.TASK_WDT, "watchdog"],
			[Reset.WDT, "watchdog"],
			[Reset.DEEPSLEEP, "deep_sleep"],
			[Reset.BROWNOUT, "brown_out"],
			[Reset.SDIO, "unknown"],
			[Reset.USB, "restart"],
			[Reset.JTAG, "restart"],
			[Reset.EFUSE, "unknown"],
			[Reset.PWR_GLITCH, "brown_out"],
			[Reset.CPU_LOCKUP, "crash"],
			[99, "unknown"],
		] as const) {
			it(`esp_reset_reason ${reset} is ${name}`, () => {
				assert.equal(reasonOf(reset), name);
			});
		}

		it("a restart that the node asked for", () => {
			const { ending } = chip.start(Reset.POWERON, "reset_reason", "restart");
			assert.equal(ending, "restarted");
			assert.equal(reasonOf(Reset.SW), "restart");
		});

		it("XS out of memory", () => {
			chip.start(
				Reset.POWERON,
				"reset_reason",
				"aborting memory full",
				"xs_abort",
			);
			assert.equal(reasonOf(Reset.SW), "out_of_memory");
		});

		for (const cause of ["unhandled exception", "fatal", "unknown"]) {
			it(`XS aborting for ${cause}`, () => {
				chip.start(
					Reset.POWERON,
					"reset_reason",
					`aborting ${cause}`,
					"xs_abort",
				);
				assert.equal(reasonOf(Reset.SW), "crash");
			});
		}

		it("a stack overflow, of which XS says nothing", () => {
			chip.start(Reset.POWERON, "reset_reason", "xs_abort");
			assert.equal(reasonOf(Reset.SW), "stack_overflow");
		});

		it("each only once: the next start has a reason of its own", () => {
			chip.start(Reset.POWERON, "reset_reason", "restart");
			chip.start(Reset.SW, "reset_reason", "xs_abort");
			assert.equal(reasonOf(Reset.SW), "stack_overflow");
		});

		it("a restart before the node asked, with noise in the RTC's memory, as a crash", () => {
			chip.start(Reset.POWERON, "xs_abort");
			assert.equal(reasonOf(Reset.SW), "crash");
		});

		it("the same however often they are asked", () => {
			chip.start(Reset.POWERON, "reset_reason", "restart");
			const { lines } = chip.start(Reset.SW, "reset_reason", "reset_reason");
			assert.equal(lines[0], lines[1]);
		});
	});

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

	describe("know the trial of an image", () => {
		for (const [state, onTrial] of [
			[0, 0],
			[1, 1],
			[2, 0],
			[3, 0],
			[4, 0],
			[0xffff_ffff, 0],
		] as const) {
			it(`with state ${state} it is ${onTrial === 1 ? "" : "not "}on trial`, () => {
				assert.deepEqual(
					chip.start(Reset.POWERON, `set ota_state ${state}`, "on_trial").lines,
					[`0 ${onTrial}`],
				);
			});
		}

		for (const error of [0x105, 0x106]) {
			it(`an image without a record in otadata (0x${error.toString(16)}) is not on trial`, () => {
				assert.deepEqual(
					chip.start(Reset.POWERON, `set ota_error ${error}`, "on_trial").lines,
					["0 0"],
				);
			});
		}

		it("another error is told", () => {
			assert.deepEqual(
				chip.start(Reset.POWERON, "set ota_error 258", "on_trial").lines,
				["258 0"],
			);
			assert.deepEqual(
				chip.start(Reset.POWERON, "set no_partition 1", "on_trial").lines,
				["261 0"],
			);
		});

		it("it is confirmed, or the error told", () => {
			const { lines } = chip.start(
				Reset.POWERON,
				"confirm",
				"set confirm_error -1",
				"confirm",
			);
			assert.deepEqual(lines, ["0", "-1"]);
		});

		it("it goes back, and the image before hears of a restart", () => {
			const { ending } = chip.start(Reset.POWERON, "reset_reason", "roll_back");
			assert.equal(ending, "rolled back");
			assert.equal(reasonOf(Reset.SW), "restart");
		});

		it("it goes on when it cannot go back, and a later abort is not taken for a restart", () => {
			const { lines, ending } = chip.start(
				Reset.POWERON,
				"reset_reason",
				"set rollback_error 5379",
				"roll_back",
				"xs_abort",
			);
			assert.deepEqual([lines[1], ending], ["5379", "restarted"]);
			assert.equal(reasonOf(Reset.SW), "stack_overflow");
		});
	});

	describe("feed the watchdog", () => {
		it("which is subscribed to by the first feeding", () => {
			assert.deepEqual(chip.start(Reset.POWERON, "feed", "feed").lines, [
				"watchdog of node",
				"0",
				"watchdog fed",
				"0",
			]);
		});

		it("or tell why not, and try again", () => {
			assert.deepEqual(
				chip.start(
					Reset.POWERON,
					"set watchdog_error 257",
					"feed",
					"set watchdog_error 0",
					"feed",
				).lines,
				["watchdog of node", "257", "watchdog of node", "0"],
			);
		});

		it("within what sdkconfig says", () => {
			const sdkconfig = readFileSync(
				new URL("../sdkconfig/sdkconfig.defaults", import.meta.url),
				"utf8",
			);
			const timeoutS = /CONFIG_ESP_TASK_WDT_TIMEOUT_S=(\d+)/.exec(sdkconfig);
			assert.deepEqual(chip.start(Reset.POWERON, "watchdog_timeout_ms").lines, [
				`${timeoutS?.[1]}000`,
			]);
		});
	});

	describe("tell why Wi-Fi let go", () => {
		it("once for each disconnect, and nothing for a connect", () => {
			const { lines } = chip.start(
				Reset.POWERON,
				"wifi_watch",
				"wifi_reason",
				"disconnect 201",
				"disconnect 15",
				"wifi_reason",
				"wifi_reason",
			);
			assert.deepEqual(lines, ["0", "0", "15", "0"]);
		});

		it("though the loop of events is there already", () => {
			assert.deepEqual(
				chip.start(Reset.POWERON, "set loop_error 259", "wifi_watch").lines,
				["0"],
			);
		});

		it("or that there is no memory for it", () => {
			assert.deepEqual(
				chip.start(Reset.POWERON, "set loop_error 257", "wifi_watch").lines,
				["257"],
			);
		});
	});

	describe("open NVS before the SDK does", () => {
		it("and leave it alone when it can be read", () => {
			assert.deepEqual(
				chip.start(Reset.POWERON, "prepare", "settings_erased").lines,
				["0", "0"],
			);
		});

		for (const error of [0x110d, 0x1110]) {
			it(`and erase it on 0x${error.toString(16)}, which would end each start in a panic`, () => {
				assert.deepEqual(
					chip.start(
						Reset.POWERON,
						`set nvs_error ${error}`,
						"prepare",
						"settings_erased",
					).lines,
					["nvs erased", "0", "1"],
				);
			});
		}

		it("and keep it on an error that erasing would not mend", () => {
			assert.deepEqual(
				chip.start(
					Reset.POWERON,
					"set nvs_error 257",
					"prepare",
					"settings_erased",
				).lines,
				["0", "0"],
			);
		});
	});

	it("measure what is free, and fill with chance what they are given and no more", () => {
		assert.deepEqual(
			chip.start(Reset.POWERON, "system_free", "random 5").lines,
			["120000", "5a 00"],
		);
	});
});
