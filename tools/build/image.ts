/**
 * Makes an application image of a firmware that was built for a board of software, of whatever version it is to be:
 *
 *     node --import=tsx tools/build/image.ts virtual 0.2.0 build/app.bin
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
	bundlePath,
	type ProcessorKind,
} from "../../firmware/boards/virtual/host-path.ts";
import {
	makeProgramImage,
	PROGRAM_CHIP_IDS,
} from "../../firmware/image/program-image.ts";
import packageJson from "../../package.json" with { type: "json" };

export interface FirmwareImage {
	readonly board: ProcessorKind;
	/** package.json's by default, which is the version that the program was built as. */
	readonly version?: string;
	readonly project?: string;
	readonly securityVersion?: number;
	/** What the board's processor is given (`MachineOptions.bundle`); the built firmware by default. */
	readonly bundle?: string;
}

/**
 * The bytes of the image; the node that runs them reports `version` as its firmware.
 * @throws an Error of the file system when the firmware has not been built; FlashFormatError
 */
export function firmwareImage({
	board,
	version = packageJson.version,
	bundle = bundlePath(board),
	...description
}: FirmwareImage): Uint8Array {
	return makeProgramImage(readFileSync(bundle), {
		board,
		version,
		...description,
	});
}

function isBoard(name: string | undefined): name is ProcessorKind {
	return name !== undefined && name in PROGRAM_CHIP_IDS;
}

function main([board, version, outfile]: readonly string[]): number {
	if (!isBoard(board) || version === undefined || outfile === undefined) {
		process.stderr.write(
			`usage: image.ts ${Object.keys(PROGRAM_CHIP_IDS).join("|")} VERSION OUTFILE\n`,
		);
		return 2;
	}
	const image = firmwareImage({ board, version });
	writeFileSync(outfile, image);
	process.stderr.write(`${outfile}: ${image.length} bytes\n`);
	return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
	process.exitCode = main(process.argv.slice(2));
