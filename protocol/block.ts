/**
 * The block: the samples of all of a node's channels over a span of time, and what identifies and summarizes them.
 * `docs/block.md` describes the bytes. This file holds the shapes; `encode.ts` and `decode.ts` the two directions.
 */

/** A gauge can go either way; a counter only grows, except when it is reset to (near) zero. */
export type ChannelKind = "gauge" | "counter";

/** One measured quantity. A raw integer `r` stands for the value `r × 10^exponent` in `unit`. */
export interface Channel {
	/** 1–32 characters of `[a-z0-9_.]`, starting with a letter; unique within a block. */
	readonly id: string;
	/** Unit of the scaled value, at most 16 bytes of UTF-8: "°C", "hPa", "m/s"; may be empty. */
	readonly unit: string;
	/** Decimal exponent, −9 … 9. */
	readonly exponent: number;
	readonly kind: ChannelKind;
}

/**
 * The raw value that stands for a missing sample. Real raw values lie in −(2³¹−1) … 2³¹−1.
 */
export const MISSING = -0x8000_0000;

export const MAX_CHANNELS = 16;
export const MAX_SAMPLES = 4096;
export const MIN_INTERVAL_MS = 10;
export const MAX_INTERVAL_MS = 86_400_000;

/** How a node knew the wall time of its boot when the block was opened. */
export type ClockSource =
	/** Network time, received during this boot. */
	| "network"
	/** The last time the node had stored, plus what it could tell has passed: off by the length of the outage. */
	| "stored";

/** Binds uptime to wall time: wall time = `bootTimeMs` + uptime. */
export interface ClockBinding {
	/** Wall time at uptime 0, ms since the Unix epoch, UTC. */
	readonly bootTimeMs: number;
	readonly source: ClockSource;
}

/** What names a block for ever: any two blocks with the same identity are the same block. */
export interface BlockIdentity {
	/** Random 64 bits made when the journal was formatted: 16 lower-case hex digits. */
	readonly journalId: string;
	/** Boot counter, 0 … 2³²−1. */
	readonly boot: number;
	/** Journal sequence number, 0 … 2³²−1. */
	readonly sequence: number;
}

/** What a block says of one channel without decoding a single sample; raw integers. Null where `count` is 0. */
export interface ChannelSummary {
	/** Samples that are not missing. */
	readonly count: number;
	readonly first: number | null;
	readonly last: number | null;
	readonly min: number | null;
	readonly max: number | null;
	/**
	 * Gauge: the sum of the samples. Counter: the increase from the first to the last sample, where a sample lower
	 * than the one before it is a reset and counts as an increase by its own value.
	 */
	readonly sum: number | null;
}

/** All that can be known of a block without decoding samples. */
export interface BlockHeader extends BlockIdentity {
	/** A live message: one or a few samples published beside the durable block, never stored. */
	readonly live: boolean;
	/** Uptime of sample 0, ms. Sample `i` belongs to `startUptimeMs + i × intervalMs`. */
	readonly startUptimeMs: number;
	readonly intervalMs: number;
	/** Samples a channel, missing ones included: 1 … MAX_SAMPLES. */
	readonly sampleCount: number;
	/** As known when the block was opened; null when the node had not learned the time. */
	readonly clock: ClockBinding | null;
	readonly channels: readonly Channel[];
	/** One for each channel, in the order of `channels`. */
	readonly summaries: readonly ChannelSummary[];
}

/** A header and, for each channel, `sampleCount` raw values with MISSING where there is none. */
export interface Block extends BlockHeader {
	readonly columns: readonly Int32Array[];
}

/** What an encoder is given: a block without its summaries, which it works out. Columns may be longer than `sampleCount`. */
export type BlockInput = Omit<Block, "summaries">;

/** Why bytes are not a block. */
export type BlockErrorReason =
	| "too_short"
	| "bad_magic"
	| "unsupported_version"
	| "bad_checksum"
	| "bad_header"
	| "bad_values"
	| "trailing_bytes";

/** The one error decoding may end in. */
export class BlockError extends Error {
	override readonly name = "BlockError";
	readonly reason: BlockErrorReason;

	constructor(reason: BlockErrorReason, message: string) {
		super(message);
		this.reason = reason;
	}
}

/** `journalId-boot-sequence`: the identity as one string, for maps and keys. */
export function identityKey(id: BlockIdentity): string {
	return `${id.journalId}-${id.boot}-${id.sequence}`;
}
