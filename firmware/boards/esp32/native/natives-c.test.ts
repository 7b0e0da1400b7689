/** The natives in C, compiled here against declarations of ESP-IDF's functions and run on a stand-in for the chip. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { NativeChip, Reset } from "../testing/native-chip.ts";
import { RESET_REASONS } from "./natives.ts";

describe("the natives", () => {
	let chip: NativeChip;

	before(() => {
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

	describe("know the slots", () => {
		for (const [subtype, slot] of [
			[0x10, 0],
			[0x11, 1],
			[0x00, -1],
		] as const)
			it(`an image in a partition of subtype ${subtype} runs in slot ${slot}`, () => {
				const { lines } = chip.start(
					Reset.POWERON,
					`set subtype ${subtype}`,
					"slot",
				);
				assert.deepEqual(lines, [`${slot}`]);
			});

		it("an image that is in no partition runs in none", () => {
			const { lines } = chip.start(Reset.POWERON, "set no_partition 1", "slot");
			assert.deepEqual(lines, ["-1"]);
		});

		it("the other one is started next, or the error told", () => {
			const { lines } = chip.start(
				Reset.POWERON,
				"activate",
				"set boot_error 5379",
				"activate",
				"set no_next 1",
				"activate",
			);
			assert.deepEqual(lines, ["boot ota_1", "0", "boot ota_1", "5379", "261"]);
		});

		it("tell what the image says of itself, and nothing beyond", () => {
			const { lines } = chip.start(
				Reset.POWERON,
				"description 256",
				"description 1000",
			);
			assert.deepEqual(lines, Array(2).fill("7 1.2.3 thinghz ff"));
		});
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

	describe("set a setting", () => {
		const opened = "open domain to write";

		// What is erased before the new value is written is lost with the power. The stand-in has no function that erases.
		it("by NVS itself, which erases the old value once it has written the new one", () => {
			assert.deepEqual(chip.start(Reset.POWERON, "setting_set value").lines, [
				opened,
				"7: set key to value",
				"7: commit",
				"7: close",
				"0",
			]);
		});

		for (const [what, called] of [
			["open", []],
			["set", ["7: set key to value", "7: close"]],
			["commit", ["7: set key to value", "7: commit", "7: close"]],
		] as const) {
			it(`or say why not, and keep nothing open, where NVS refuses to ${what} it`, () => {
				assert.deepEqual(
					chip.start(
						Reset.POWERON,
						`set nvs_${what}_error ${0x1105}`,
						"setting_set value",
					).lines,
					[opened, ...called, `${0x1105}`],
				);
			});
		}
	});

	describe("wait in a loop of resets", () => {
		const waitOf = (reset: number, ...commands: string[]): number =>
			Number(chip.start(reset, "prepare", ...commands).lines[0]);
		const LOOP = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256];

		for (const [what, reset] of [
			["XS's aborts", Reset.SW],
			["panics", Reset.PANIC],
			["the watchdog's", Reset.TASK_WDT],
			["brown-outs", Reset.BROWNOUT],
		] as const) {
			it(`longer and longer, of ${what}`, () => {
				waitOf(Reset.POWERON);
				const waits = LOOP.map(() => waitOf(reset) / 1000);
				assert.deepEqual(waits, LOOP);
			});
		}

		for (const [what, reset] of [
			["power returned", Reset.POWERON],
			["somebody pressed the button", Reset.EXT],
			["the node had gone to sleep", Reset.DEEPSLEEP],
		] as const) {
			it(`but not when ${what}`, () => {
				for (let n = 0; n < 8; n++) waitOf(Reset.PANIC);
				assert.equal(waitOf(reset), 0);
				assert.equal(waitOf(Reset.PANIC), 0);
			});
		}

		it("but not when the node had stood for ten minutes", () => {
			for (let n = 0; n < 8; n++) waitOf(Reset.PANIC);
			waitOf(Reset.PANIC, "set timer_us 599999000", "feed");
			assert.notEqual(waitOf(Reset.PANIC), 0);
			waitOf(Reset.PANIC, "set timer_us 600000000", "feed");
			assert.equal(waitOf(Reset.PANIC), 0);
		});

		it("but not for noise in the RTC's memory", () => {
			for (let n = 0; n < 8; n++) waitOf(Reset.PANIC);
			chip.loseRtc();
			assert.equal(waitOf(Reset.PANIC), 0);
		});
	});

	it("measure what is free, and fill with chance what they are given and no more", () => {
		assert.deepEqual(
			chip.start(Reset.POWERON, "system_free", "random 5").lines,
			["120000", "5a 00"],
		);
	});

	it("tell the chip's number, six bytes of it", () => {
		assert.deepEqual(chip.start(Reset.POWERON, "serial").lines, ["0 24b2 00"]);
	});
});
