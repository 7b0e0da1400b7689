/**
 * Bytes to blocks: `docs/block.md` describes them. Any bytes give a result or a BlockError; time and memory are
 * bounded by MAX_CHANNELS × MAX_SAMPLES, whatever the bytes say.
 */
import {
	type Block,
	BlockError,
	type BlockHeader,
	type Channel,
	type ChannelSummary,
	type ClockBinding,
	MAX_CHANNELS,
	MAX_INTERVAL_MS,
	MAX_SAMPLES,
	MIN_INTERVAL_MS,
} from "./block.ts";
import { ByteReader } from "./byte-reader.ts";
import { crc32 } from "./crc32.ts";
import { decodeValues } from "./decode-values.ts";
import {
	CRC_BYTES,
	FIXED_BYTES,
	FLAG_CLOCK,
	FLAG_CLOCK_STORED,
	FLAG_LIVE,
	isChannelId,
	JOURNAL_ID_BYTES,
	KIND_COUNTER,
	MAGIC_0,
	MAGIC_1,
	MAX_EXPONENT,
	MAX_ID_BYTES,
	MAX_RAW,
	MAX_TIME_MS,
	MAX_UINT32,
	MAX_UNIT_BYTES,
	VERSION,
} from "./format.ts";
import { expectedSum, summarize } from "./summary.ts";
import { decodeUtf8 } from "./utf8.ts";

/**
 * Reads what a block says of itself, after its CRC-32; no sample is decoded.
 * @throws BlockError and nothing else
 */
export function readHeader(bytes: Uint8Array): BlockHeader {
	return readParts(open(bytes));
}

/**
 * Decodes a block, and checks that its samples agree with the summaries in its header.
 * @throws BlockError and nothing else
 */
export function decodeBlock(bytes: Uint8Array): Block {
	const reader = open(bytes);
	const header = readParts(reader);
	const columns = header.channels.map(() => new Int32Array(header.sampleCount));
	readValues(reader, header, (index) => columns[index] as Int32Array);
	return { ...header, columns };
}

/**
 * Checks all that `decodeBlock` checks and keeps no sample: for those who store blocks that others will decode.
 * @throws BlockError and nothing else
 */
export function verifyBlock(bytes: Uint8Array): BlockHeader {
	const reader = open(bytes);
	const header = readParts(reader);
	scratch ??= new Int32Array(MAX_SAMPLES);
	const column = scratch.subarray(0, header.sampleCount);
	readValues(reader, header, () => column.fill(0));
	return header;
}

let scratch: Int32Array | undefined;

/** Decodes each channel's samples into the column it is given, and checks them against the channel's summary. */
function readValues(
	reader: ByteReader,
	{ channels, summaries, sampleCount }: BlockHeader,
	columnOf: (index: number) => Int32Array,
): void {
	const values = new ByteReader(
		reader.bytes,
		reader.position,
		reader.end,
		"bad_values",
	);
	for (const [index, channel] of channels.entries()) {
		const summary = summaries[index] as ChannelSummary;
		const column = columnOf(index);
		decodeValues(values, column, summary);
		if (!sameSummary(summary, summarize(column, sampleCount, channel.kind)))
			values.fail(
				`The samples of "${channel.id}" do not agree with its summary`,
			);
	}
	const left = values.end - values.position;
	if (left > 0)
		throw new BlockError(
			"trailing_bytes",
			`${left} bytes follow the last value`,
		);
}

/** Checks magic, version and CRC-32. @returns a reader that stands at the flags */
function open(bytes: Uint8Array): ByteReader {
	const end = bytes.length - CRC_BYTES;
	if (end < FIXED_BYTES + JOURNAL_ID_BYTES)
		throw new BlockError(
			"too_short",
			`${bytes.length} bytes are fewer than any block has`,
		);
	if (bytes[0] !== MAGIC_0 || bytes[1] !== MAGIC_1)
		throw new BlockError("bad_magic", 'The bytes do not begin with "TH"');
	if (bytes[2] !== VERSION)
		throw new BlockError(
			"unsupported_version",
			`The block is of version ${bytes[2]}; ${VERSION} is understood`,
		);
	let stored = 0;
	for (let at = 3; at >= 0; at--)
		stored = (stored << 8) | (bytes[end + at] as number);
	if (stored >>> 0 !== crc32(bytes, 0, end))
		throw new BlockError(
			"bad_checksum",
			"The bytes were damaged: the CRC-32 at their end is not theirs",
		);
	return new ByteReader(bytes, 3, end, "bad_header");
}

function readParts(reader: ByteReader): BlockHeader {
	const flags = reader.byte();
	if (
		flags > (FLAG_LIVE | FLAG_CLOCK | FLAG_CLOCK_STORED) ||
		(flags & (FLAG_CLOCK | FLAG_CLOCK_STORED)) === FLAG_CLOCK_STORED
	)
		reader.fail(`The flags are ${flags}`);
	let journalId = "";
	for (let at = 0; at < JOURNAL_ID_BYTES; at++) {
		const byte = reader.byte();
		journalId += (byte >> 4).toString(16) + (byte & 15).toString(16);
	}
	const boot = reader.varint("The boot counter", MAX_UINT32);
	const sequence = reader.varint("The sequence number", MAX_UINT32);
	const startUptimeMs = reader.varint("The uptime", MAX_TIME_MS);
	const intervalMs = reader.varint("The interval", MAX_INTERVAL_MS);
	if (intervalMs < MIN_INTERVAL_MS)
		reader.fail(`The interval is ${intervalMs} ms, below ${MIN_INTERVAL_MS}`);
	const sampleCount = reader.varint("The number of samples", MAX_SAMPLES);
	if (sampleCount < 1) reader.fail("The block has no samples");
	const clock: ClockBinding | null =
		flags & FLAG_CLOCK
			? {
					bootTimeMs: reader.zigzag("The boot time", MAX_TIME_MS),
					source: flags & FLAG_CLOCK_STORED ? "stored" : "network",
				}
			: null;
	const channelCount = reader.varint("The number of channels", MAX_CHANNELS);
	if (channelCount < 1) reader.fail("The block has no channels");
	const channels: Channel[] = [];
	const summaries: ChannelSummary[] = [];
	for (let index = 0; index < channelCount; index++) {
		const channel = readChannel(reader);
		for (const before of channels)
			if (before.id === channel.id)
				reader.fail(`Two channels have the id "${channel.id}"`);
		channels.push(channel);
		summaries.push(readSummary(reader, channel, sampleCount));
	}
	return {
		journalId,
		boot,
		sequence,
		live: (flags & FLAG_LIVE) !== 0,
		startUptimeMs,
		intervalMs,
		sampleCount,
		clock,
		channels,
		summaries,
	};
}

function readChannel(reader: ByteReader): Channel {
	const idBytes = reader.varint("The length of a channel's id", MAX_ID_BYTES);
	let id = "";
	for (let at = 0; at < idBytes; at++) id += String.fromCharCode(reader.byte());
	if (!isChannelId(id)) reader.fail("A channel's id is not one");
	const unitBytes = reader.varint("The length of a unit", MAX_UNIT_BYTES);
	const unitStart = reader.take(unitBytes);
	const unit = decodeUtf8(reader.bytes, unitStart, unitStart + unitBytes);
	if (unit === null) return reader.fail(`The unit of "${id}" is not UTF-8`);
	const code = reader.byte();
	const exponent = (code & (KIND_COUNTER - 1)) - MAX_EXPONENT;
	if (code >= 2 * KIND_COUNTER || exponent > MAX_EXPONENT)
		reader.fail(`"${id}" has the kind and exponent ${code}`);
	const kind = code & KIND_COUNTER ? "counter" : "gauge";
	return { id, unit, exponent, kind };
}

function readSummary(
	reader: ByteReader,
	{ id, kind }: Channel,
	sampleCount: number,
): ChannelSummary {
	const count =
		sampleCount - reader.varint("The number of missing samples", sampleCount);
	if (count === 0)
		return {
			count,
			first: null,
			last: null,
			min: null,
			max: null,
			sum: null,
		};
	const first = reader.zigzag("A first value", MAX_RAW);
	if (count === 1)
		return {
			count,
			first,
			last: first,
			min: first,
			max: first,
			sum: kind === "gauge" ? first : 0,
		};
	const last = first + reader.zigzag("A last value", 2 * MAX_RAW);
	const min = Math.min(first, last) - reader.varint("A minimum", 2 * MAX_RAW);
	const max = Math.max(first, last) + reader.varint("A maximum", 2 * MAX_RAW);
	if (min < -MAX_RAW || max > MAX_RAW)
		reader.fail(`The values of "${id}" go beyond 32 bits`);
	const sum =
		expectedSum(kind, count, first, last) +
		reader.zigzag("A sum", MAX_SUM_DIFFERENCE);
	if (kind === "gauge" && (sum < count * min || sum > count * max))
		reader.fail(`The sum of "${id}" is not between its extremes`);
	return { count, first, last, min, max, sum };
}

/** A counter's increase and its last less its first value are this far apart at most. */
const MAX_SUM_DIFFERENCE = (MAX_SAMPLES + 1) * 2 ** 32;

function sameSummary(left: ChannelSummary, right: ChannelSummary): boolean {
	return (
		left.count === right.count &&
		left.first === right.first &&
		left.last === right.last &&
		left.min === right.min &&
		left.max === right.max &&
		left.sum === right.sum
	);
}
