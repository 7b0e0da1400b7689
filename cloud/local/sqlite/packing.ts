/**
 * Blocks as they cross between threads: one array of numbers and one of bytes, both handed over without a copy,
 * instead of an object a block.
 */
import type { NewBlock } from "../../core/ports.ts";

/** `FIELDS` numbers a block, in the order of the `FIELD` constants. */
export interface PackedBlocks {
	readonly numbers: Float64Array<ArrayBuffer>;
	readonly bytes: Uint8Array<ArrayBuffer>;
}

const FIELDS = 9;
const THING = 0;
/** NaN for null. */
const START = 1;
const SPAN = 2;
const RECEIVED = 3;
const JOURNAL_HIGH = 4;
const JOURNAL_LOW = 5;
const BOOT = 6;
const SEQUENCE = 7;
/** Where the block's bytes end; they begin where those of the one before end. */
const END = 8;

/** @param thingNumber what stands for the thing's name on the other side */
export function packBlocks(
	blocks: readonly NewBlock[],
	thingNumber: (thing: string) => number,
): PackedBlocks {
	let sizeBytes = 0;
	for (const block of blocks) sizeBytes += block.bytes.length;
	const numbers = new Float64Array(blocks.length * FIELDS);
	const bytes = new Uint8Array(sizeBytes);
	let at = 0;
	let end = 0;
	for (const block of blocks) {
		bytes.set(block.bytes, end);
		end += block.bytes.length;
		numbers[at + THING] = thingNumber(block.thing);
		numbers[at + START] = block.startMs ?? Number.NaN;
		numbers[at + SPAN] = block.spanMs;
		numbers[at + RECEIVED] = block.receivedMs;
		numbers[at + JOURNAL_HIGH] = Number.parseInt(
			block.journalId.slice(0, 8),
			16,
		);
		numbers[at + JOURNAL_LOW] = Number.parseInt(block.journalId.slice(8), 16);
		numbers[at + BOOT] = block.boot;
		numbers[at + SEQUENCE] = block.sequence;
		numbers[at + END] = end;
		at += FIELDS;
	}
	return { numbers, bytes };
}

export function packedCount(packed: PackedBlocks): number {
	return packed.numbers.length / FIELDS;
}

/** The `index`-th block. Its bytes are a view into the pack's. */
export function unpackBlock(
	packed: PackedBlocks,
	index: number,
	thingName: (thing: number) => string,
): NewBlock {
	const { numbers, bytes } = packed;
	const at = index * FIELDS;
	const number = (field: number): number => numbers[at + field] as number;
	const startMs = number(START);
	return {
		thing: thingName(number(THING)),
		startMs: Number.isNaN(startMs) ? null : startMs,
		spanMs: number(SPAN),
		receivedMs: number(RECEIVED),
		journalId: hex32(number(JOURNAL_HIGH)) + hex32(number(JOURNAL_LOW)),
		boot: number(BOOT),
		sequence: number(SEQUENCE),
		bytes: bytes.subarray(
			index === 0 ? 0 : (numbers[at - FIELDS + END] as number),
			number(END),
		),
	};
}

function hex32(value: number): string {
	return value.toString(16).padStart(8, "0");
}
