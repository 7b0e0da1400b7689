/**
 * Application images of the boards that are made of software. They have the format of every ESP32's: the description comes first, and
 * the segments behind it are the file that the board's processor is given, piece by piece, each at its offset in the file:
 *
 *     segment 0      esp_app_desc, u32 length of the file
 *     segment 1 …    bytes of the file, padded with zeros to words; `loadAddress` is where they lie in it
 *
 * What no segment has is zero, so that a file which is mostly empty (the flash of the qemu board) makes an image of what is in it.
 */
import { createHash } from "node:crypto";
import {
	type CheckedAppImage,
	DESCRIPTION_BYTES,
	MAX_SEGMENTS,
	type Segment,
	writeAppImage,
	writeDescription,
} from "./app-image.ts";
import { FlashFormatError } from "./errors.ts";
import { viewOf } from "./fields.ts";

/** Chip ids of what is no chip, by the names that nodes give their boards: none of Espressif's, which count from 0. */
export const PROGRAM_CHIP_IDS = Object.freeze({
	virtual: 0x7f00,
	virtual32: 0x7f01,
	qemu: 0x7f02,
} as const);

export type ProgramBoard = keyof typeof PROGRAM_CHIP_IDS;

export const PROJECT = "thinghz";

export interface ProgramDescription {
	readonly board: ProgramBoard;
	/** Three numbers, as in 1.20.3: what a node compares, and reports as its firmware. */
	readonly version: string;
	/** PROJECT by default. */
	readonly project?: string;
	/** 0 by default. */
	readonly securityVersion?: number;
}

/** What a processor runs: a file of so many bytes, zero but for the pieces. */
export interface Program {
	readonly sizeBytes: number;
	readonly pieces: readonly {
		readonly offset: number;
		readonly bytes: Uint8Array;
	}[];
}

const LENGTH_BYTES = 4;
/** A gap that is worth a segment of its own. */
const GAP_BYTES = 4096;

/**
 * An image of the file `program`. The same file and description make the same bytes.
 * @throws FlashFormatError bad_field when the description cannot be written, or the file has too many pieces
 */
export function makeProgramImage(
	program: Uint8Array,
	{
		board,
		version,
		project = PROJECT,
		securityVersion = 0,
	}: ProgramDescription,
): Uint8Array {
	const head = new Uint8Array(DESCRIPTION_BYTES + LENGTH_BYTES);
	head.set(
		writeDescription({
			secureVersion: securityVersion,
			version,
			project,
			time: "",
			date: "",
			idfVersion: "",
			elfSha256: new Uint8Array(createHash("sha256").update(program).digest()),
		}),
	);
	viewOf(head).setUint32(DESCRIPTION_BYTES, program.length, true);
	return writeAppImage({
		chipId: PROGRAM_CHIP_IDS[board],
		spiMode: 0,
		spiSpeedAndSize: 0,
		entryAddress: 0,
		otherHeader: new Uint8Array(13),
		segments: [{ loadAddress: 0, data: head }, ...piecesOf(program)],
		hasHash: true,
	});
}

/**
 * The file that an image was made of.
 * @throws FlashFormatError bad_field when it was made of none, or for another board; bad_hash when it is not what was described
 */
export function readProgram(
	image: CheckedAppImage,
	board: ProgramBoard,
): Program {
	const [head, ...segments] = image.segments;
	if (image.chipId !== PROGRAM_CHIP_IDS[board])
		throw new FlashFormatError("bad_field", `The image is not for ${board}.`);
	if (
		head === undefined ||
		head.data.length !== DESCRIPTION_BYTES + LENGTH_BYTES
	)
		throw new FlashFormatError("bad_field", "The image has no program.");
	const sizeBytes = viewOf(head.data).getUint32(DESCRIPTION_BYTES, true);
	const pieces = segments.map(({ loadAddress: offset, data }) => {
		if (offset > sizeBytes)
			throw new FlashFormatError(
				"bad_field",
				`A piece of the program lies at ${offset} of ${sizeBytes} bytes.`,
			);
		// The last word's padding.
		return { offset, bytes: data.subarray(0, sizeBytes - offset) };
	});
	return { sizeBytes, pieces };
}

/** Ends are at words, since a segment has whole ones. */
function piecesOf(program: Uint8Array): Segment[] {
	const segments: Segment[] = [];
	let at = firstByte(program, 0);
	while (at < program.length) {
		const start = at - (at % 4);
		let end = at;
		let next = at;
		while (next < program.length && next - end < GAP_BYTES) {
			if (program[next] !== 0) end = next + 1;
			next++;
		}
		const data = new Uint8Array(end - start + ((4 - ((end - start) % 4)) % 4));
		data.set(program.subarray(start, end));
		segments.push({ loadAddress: start, data });
		at = firstByte(program, next);
	}
	if (segments.length >= MAX_SEGMENTS)
		throw new FlashFormatError(
			"bad_field",
			`A program has at most ${MAX_SEGMENTS - 1} pieces, not ${segments.length}.`,
		);
	return segments;
}

function firstByte(program: Uint8Array, from: number): number {
	let at = from;
	while (at < program.length && program[at] === 0) at++;
	return at;
}
