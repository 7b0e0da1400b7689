/** How QEMU is started as the board's processor. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { NotBuiltError } from "../not-built-error.ts";

const QEMU = "qemu-system-riscv32";

export interface QemuOptions {
	/** What is in its flash: tools/build/qemu.ts makes it. */
	readonly image: string;
	/**
	 * Counts instructions: time on the board is then what it executes, and two runs that are given the same execute the
	 * same.
	 */
	readonly countInstructions: boolean;
}

/** @throws NotBuiltError when QEMU is not installed; it says what installs it */
export function qemuCommand(options: QemuOptions): {
	readonly command: string;
	readonly args: readonly string[];
} {
	return {
		command: findQemu(process.env.PATH ?? ""),
		args: [
			...["-M", "virt", "-nodefaults", "-display", "none"],
			...["-accel", "tcg,tb-size=16"],
			// Of this, the board's memory protection leaves it 512 KB (link.ld).
			...["-m", "1M"],
			...["-bios", "none"],
			// Commas in a value are doubled.
			"-drive",
			`if=pflash,unit=0,format=raw,readonly=on,file=${options.image.replaceAll(",", ",,")}`,
			// Standard input and output are the channel: see transport.c.
			...["-semihosting-config", "enable=on,target=native"],
			...(options.countInstructions
				? ["-icount", "shift=3,align=off,sleep=off"]
				: []),
		],
	};
}

export function findQemu(path: string): string {
	for (const folder of path.split(delimiter)) {
		const candidate = join(folder, QEMU);
		try {
			accessSync(candidate, constants.X_OK);
			if (statSync(candidate).isFile()) return candidate;
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "EACCES") {
				throw error;
			}
		}
	}
	throw new NotBuiltError(
		`The qemu board needs ${QEMU}, which is not installed. Install it with: sudo apt-get install -y --no-install-recommends qemu-system-misc`,
	);
}
