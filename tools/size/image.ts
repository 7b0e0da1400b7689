/** How large the image of the qemu board is. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildQemuImage } from "../build/qemu.ts";

export const BOARD_ELF = fileURLToPath(
	new URL("../../dist/qemu/board.elf", import.meta.url),
);

export interface ImageSize {
	/** Machine code and constants: the engine, the host and the C library. */
	readonly textBytes: number;
	/** Variables that begin with a value. */
	readonly dataBytes: number;
	/** RAM that is laid out by the linker, without the engine's heap. */
	readonly bssBytes: number;
}

/** Reads what `size` of the GNU binutils prints, in the format of Berkeley. @throws Error for anything else */
export function parseSize(output: string): ImageSize {
	const [, row] = output.trim().split("\n");
	const [text, data, bss] = (row ?? "").trim().split(/\s+/).map(Number);
	if (![text, data, bss].every(Number.isInteger))
		throw new Error(`These are no sizes of sections: ${output}`);
	return {
		textBytes: text ?? 0,
		dataBytes: data ?? 0,
		bssBytes: bss ?? 0,
	};
}

/** @returns sizes of the machine code, and of the program beside it: names and byte code */
export async function measureImage(): Promise<
	ImageSize & { readonly programBytes: number }
> {
	const directory = mkdtempSync(join(tmpdir(), "thinghz-image-"));
	try {
		const { programBytes } = await buildQemuImage({
			outfile: join(directory, "flash.img"),
		});
		const sizes = execFileSync("riscv64-unknown-elf-size", [BOARD_ELF], {
			encoding: "utf8",
		});
		return { ...parseSize(sizes), programBytes };
	} finally {
		rmSync(directory, { recursive: true });
	}
}
