/** Blocks to bytes: `docs/block.md` describes them. Allocates a fixed number of objects a channel, none a sample. */
import {
	type BlockInput,
	type Channel,
	type ChannelSummary,
	MAX_CHANNELS,
	MAX_SAMPLES,
} from "./block.ts";
import { ByteWriter } from "./byte-writer.ts";
import { crc32 } from "./crc32.ts";
import { encodeValues } from "./encode-values.ts";
import {
	CRC_BYTES,
	FLAG_CLOCK,
	FLAG_CLOCK_STORED,
	FLAG_LIVE,
	KIND_COUNTER,
	MAGIC_0,
	MAGIC_1,
	MAX_EXPONENT,
	VERSION,
} from "./format.ts";
import { expectedSum, summarize } from "./summary.ts";
import { encodeUtf8 } from "./utf8.ts";
import { validateInput } from "./validate.ts";

/**
 * Encodes a block to the start of `out`.
 * @returns bytes written
 * @throws RangeError that says what of the input cannot be a block, or that `out` is too small
 */
export function encodeBlock(input: BlockInput, out: Uint8Array): number {
	const writer = new ByteWriter(out);
	writeParts(input, writer);
	writer.uint32(crc32(out, 0, writer.position));
	return writer.position;
}

/**
 * How many bytes `encodeBlock` writes for the same input, exactly. Takes most of the time that encoding takes.
 * @throws RangeError that says what of the input cannot be a block
 */
export function encodedSize(input: BlockInput): number {
	const writer = new ByteWriter(null);
	writeParts(input, writer);
	return writer.position + CRC_BYTES;
}

/** Everything but channels: fixed part, two 32-bit numbers, uptime, interval, count, clock, number of channels, CRC. */
const MAX_BASE_BYTES = 12 + 2 * 5 + 8 + 4 + 2 + 8 + 1 + CRC_BYTES;
/** Description (id, unit, kind) and summary (missing, four raw values, sum) of a channel, and its predictor. */
const MAX_CHANNEL_BYTES = 33 + 17 + 1 + (2 + 4 * 5 + 7) + 1;

/** No block of so many channels and samples takes more bytes than this, whatever its values. */
export function maxEncodedSize(channels: number, sampleCount: number): number {
	if (!(channels >= 1 && channels <= MAX_CHANNELS))
		throw new RangeError(`A block cannot have ${channels} channels`);
	if (!(sampleCount >= 1 && sampleCount <= MAX_SAMPLES))
		throw new RangeError(`A block cannot have ${sampleCount} samples`);
	const presenceBytes = Math.ceil(sampleCount / 8);
	return (
		MAX_BASE_BYTES +
		channels * (MAX_CHANNEL_BYTES + presenceBytes + 4 * sampleCount)
	);
}

function writeParts(input: BlockInput, writer: ByteWriter): void {
	validateInput(input);
	const { clock, channels, columns, sampleCount } = input;
	writer.byte(MAGIC_0);
	writer.byte(MAGIC_1);
	writer.byte(VERSION);
	writer.byte(
		(input.live ? FLAG_LIVE : 0) |
			(clock === null ? 0 : FLAG_CLOCK) |
			(clock?.source === "stored" ? FLAG_CLOCK_STORED : 0),
	);
	for (let at = 0; at < 16; at += 2)
		writer.byte(Number.parseInt(input.journalId.slice(at, at + 2), 16));
	writer.varint(input.boot);
	writer.varint(input.sequence);
	writer.varint(input.startUptimeMs);
	writer.varint(input.intervalMs);
	writer.varint(sampleCount);
	if (clock !== null) writer.zigzag(clock.bootTimeMs);
	writer.byte(channels.length);

	const summaries: ChannelSummary[] = [];
	for (let index = 0; index < channels.length; index++) {
		const channel = channels[index] as Channel;
		const column = columns[index] as Int32Array;
		const summary = summarize(column, sampleCount, channel.kind);
		summaries.push(summary);
		writeChannel(channel, writer);
		writeSummary(channel, summary, sampleCount, writer);
	}
	for (let index = 0; index < channels.length; index++)
		encodeValues(
			columns[index] as Int32Array,
			sampleCount,
			summaries[index] as ChannelSummary,
			writer,
		);
}

function writeChannel(channel: Channel, writer: ByteWriter): void {
	const { id, unit, exponent, kind } = channel;
	writer.byte(id.length);
	for (let at = 0; at < id.length; at++) writer.byte(id.charCodeAt(at));
	const unitBytes = encodeUtf8(unit) ?? [];
	writer.byte(unitBytes.length);
	for (const byte of unitBytes) writer.byte(byte);
	writer.byte(
		exponent + MAX_EXPONENT + (kind === "counter" ? KIND_COUNTER : 0),
	);
}

function writeSummary(
	{ kind }: Channel,
	{ count, first, last, min, max, sum }: ChannelSummary,
	sampleCount: number,
	writer: ByteWriter,
): void {
	writer.varint(sampleCount - count);
	if (
		first === null ||
		last === null ||
		min === null ||
		max === null ||
		sum === null
	)
		return;
	writer.zigzag(first);
	if (count === 1) return;
	writer.zigzag(last - first);
	writer.varint(Math.min(first, last) - min);
	writer.varint(max - Math.max(first, last));
	writer.zigzag(sum - expectedSum(kind, count, first, last));
}
