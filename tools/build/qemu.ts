/**
 * Puts together what is in the flash of the qemu board: its machine code (`make -C firmware/boards/virtual/qemu`) and a
 * program, compiled to byte code. Run it: `node --import=tsx tools/build/qemu.ts`, or `make qemu`.
 */
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildProgram, type FirmwareBuild } from "./firmware.ts";

const inRoot = (path: string) =>
	fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The size of QEMU's flash bank, which the file must have; what is not written takes no room on a disk. */
const FLASH_BYTES = 32 << 20;
/** PROGRAM_OFFSET in link.ld. */
const PROGRAM_OFFSET = 1 << 20;

/** As the program's, but for `outfile`: there goes the flash's content. */
export type QemuBuild = FirmwareBuild;

export interface QemuImage {
	/** Machine code: the engine, the host and the C library. */
	readonly codeBytes: number;
	/** The program: names and byte code. */
	readonly programBytes: number;
}

/**
 * Needs the board's machine code and the 64-bit host.
 * @throws Error when one of them has not been built, or the sources do not compile
 */
export async function buildQemuImage(
	options: QemuBuild = {},
): Promise<QemuImage> {
	const folder = await mkdtemp(join(tmpdir(), "thinghz-qemu-"));
	try {
		const compiled = join(folder, "program.code");
		await buildProgram({ ...options, outfile: compiled });
		const code = await readFile(inRoot("dist/qemu/board.bin"));
		const program = await readFile(compiled);
		await writeFlash(
			options.outfile ?? inRoot("dist/qemu/flash.img"),
			code,
			program,
		);
		return { codeBytes: code.length, programBytes: program.length };
	} finally {
		await rm(folder, { recursive: true });
	}
}

async function writeFlash(
	path: string,
	code: Uint8Array,
	program: Uint8Array,
): Promise<void> {
	if (code.length > PROGRAM_OFFSET) {
		throw new Error(
			`The board's code has ${code.length} bytes, and there is room for ${PROGRAM_OFFSET}.`,
		);
	}
	const file = await open(path, "w");
	try {
		await file.write(code, 0, code.length, 0);
		await file.write(program, 0, program.length, PROGRAM_OFFSET);
		await file.truncate(FLASH_BYTES);
	} finally {
		await file.close();
	}
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const { codeBytes, programBytes } = await buildQemuImage();
	process.stdout.write(
		`dist/qemu/flash.img: ${codeBytes} bytes of machine code, ${programBytes} of the program\n`,
	);
}
