/** native/natives.c, compiled for this machine with testing/idf.c in the chip's place. */
import { spawnSync } from "node:child_process";
import {
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NATIVES = fileURLToPath(new URL("../native/natives.c", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));

/** `esp_reset_reason_t` */
export const Reset = Object.freeze({
	UNKNOWN: 0,
	POWERON: 1,
	EXT: 2,
	SW: 3,
	PANIC: 4,
	INT_WDT: 5,
	TASK_WDT: 6,
	WDT: 7,
	DEEPSLEEP: 8,
	BROWNOUT: 9,
	SDIO: 10,
	USB: 11,
	JTAG: 12,
	EFUSE: 13,
	PWR_GLITCH: 14,
	CPU_LOCKUP: 15,
} as const);

export type Ending = "ran out" | "restarted" | "slept" | "rolled back";

const ENDINGS: Readonly<Record<number, Ending>> = {
	0: "ran out",
	10: "restarted",
	11: "slept",
	12: "rolled back",
};

export interface Run {
	/** What was answered, a line for each command that answers. */
	readonly lines: readonly string[];
	readonly ending: Ending;
}

export class NativeChip {
	readonly #dir = mkdtempSync(join(tmpdir(), "thinghz-natives-"));

	/** @throws Error with the compiler's words */
	constructor() {
		for (const [, header] of readFileSync(NATIVES, "utf8").matchAll(
			/^#include "(.+)"$/gm,
		)) {
			const path = join(this.#dir, `${header}`);
			mkdirSync(dirname(path), { recursive: true });
			writeFileSync(path, '#include "idf.h"\n');
		}
		const { status, stderr } = spawnSync(
			"cc",
			[
				"-std=gnu17",
				"-Wall",
				"-Wextra",
				"-Werror",
				"-g",
				"-fsanitize=undefined",
				"-fno-sanitize-recover",
				`-I${this.#dir}`,
				`-I${HERE}`,
				NATIVES,
				join(HERE, "idf.c"),
				"-o",
				join(this.#dir, "chip"),
			],
			{ encoding: "utf8" },
		);
		if (status !== 0) throw new Error(stderr);
	}

	/** Starts the chip for a reason, with the RTC's memory as the last run left it, and runs commands. */
	start(reset: number, ...commands: readonly string[]): Run {
		const { status, stdout, stderr } = spawnSync(
			join(this.#dir, "chip"),
			[String(reset), join(this.#dir, "rtc")],
			{ input: commands.map((line) => `${line}\n`).join(""), encoding: "utf8" },
		);
		const ending = ENDINGS[status ?? -1];
		if (ending === undefined || stderr !== "")
			throw new Error(`The chip ended with ${status}: ${stderr}`);
		return { lines: stdout.split("\n").slice(0, -1), ending };
	}

	/** The RTC's memory holds noise at the next start, as after a loss of power. */
	loseRtc(): void {
		rmSync(join(this.#dir, "rtc"), { force: true });
	}

	remove(): void {
		rmSync(this.#dir, { recursive: true });
	}
}
