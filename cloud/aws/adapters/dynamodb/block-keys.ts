/**
 * The sort keys of the blocks table. They are made so that one range of keys is one range of time: numbers have leading
 * zeros, and what follows a time tells apart what has the same.
 */
import type { BlockIdentity } from "../../../../protocol/block.ts";
import { MAX_INDEXED_SPAN_MS } from "../../../core/believable.ts";
import { StoreError } from "../../../core/ports.ts";
import { HOUR_MS } from "../../../core/spans.ts";
import { BLOCK_PREFIXES } from "../../tables.ts";

/**
 * Blocks with a start lie in three ranges of keys, by how long they are: a range of time finds those that reach into it by
 * looking so far back, in each. With one for all, a single block of a week would have every query look back a week.
 */
export const SPAN_CLASSES_MS: readonly number[] = [
	900_000,
	4 * HOUR_MS,
	MAX_INDEXED_SPAN_MS,
];

/** The last time that a key can have, ms. */
const LAST_MS = 10 ** 14 - 1;

/** Sorts after every character of a key. */
export const AFTER = "~";

/** @throws RangeError for what no ingest hands in: a span or start that has no place among the keys */
export function spanClass(spanMs: number): number {
	const found = SPAN_CLASSES_MS.findIndex((most) => spanMs <= most);
	if (found < 0) {
		throw new RangeError(`A block of ${spanMs} ms is not kept by its start.`);
	}
	return found;
}

export function classPrefix(index: number): string {
	return `${BLOCK_PREFIXES.timed}${index}`;
}

/** What follows the prefix of a block with a start: cursors are made of it, since it orders blocks of all classes. */
export function timedSuffix(startMs: number, identity: BlockIdentity): string {
	if (!isKeyTime(startMs)) {
		throw new RangeError(`A block cannot start at ${startMs}.`);
	}
	return `${timeKey(startMs)}.${identitySuffix(identity)}`;
}

export function isKeyTime(timeMs: number): boolean {
	return Number.isInteger(timeMs) && timeMs >= 0 && timeMs <= LAST_MS;
}

export function identitySuffix(identity: BlockIdentity): string {
	const { journalId, boot, sequence } = identity;
	return `${journalId}.${hex8(boot)}.${hex8(sequence)}`;
}

/** As much of a time as a key can have: what is asked for may lie beyond. */
export function timeKey(timeMs: number): string {
	const clamped = Math.min(Math.max(Math.ceil(timeMs), 0), LAST_MS);
	return String(clamped).padStart(14, "0");
}

export function hex8(value: number): string {
	return value.toString(16).padStart(8, "0");
}

const TIMED = /^(\d{14})\.([0-9a-f]{16})\.([0-9a-f]{8})\.([0-9a-f]{8})$/;

export interface TimedKey extends BlockIdentity {
	readonly timeMs: number;
}

/** @returns null when it is none */
export function parseTimedSuffix(suffix: string): TimedKey | null {
	const match = TIMED.exec(suffix);
	if (match === null) return null;
	const [, time = "", journalId = "", boot = "", sequence = ""] = match;
	return {
		timeMs: Number(time),
		journalId,
		boot: Number.parseInt(boot, 16),
		sequence: Number.parseInt(sequence, 16),
	};
}

const IDENTITY = /^([0-9a-f]{16})\.([0-9a-f]{8})\.([0-9a-f]{8})$/;

/** @returns null when it is none */
export function parseIdentitySuffix(suffix: string): BlockIdentity | null {
	const match = IDENTITY.exec(suffix);
	if (match === null) return null;
	const [, journalId = "", boot = "", sequence = ""] = match;
	return {
		journalId,
		boot: Number.parseInt(boot, 16),
		sequence: Number.parseInt(sequence, 16),
	};
}

/** How long items are kept, by what they are of; null for ever. */
export class Retention {
	readonly #retentionMs: number | null;

	constructor(retentionMs: number | null) {
		this.#retentionMs = retentionMs;
	}

	/** The TTL attribute of an item that is of interest for so long after a time. */
	after(timeMs: number): { readonly x?: { readonly N: string } } {
		if (this.#retentionMs === null) return {};
		const untilS = Math.ceil((timeMs + this.#retentionMs) / 1000);
		return { x: { N: String(untilS) } };
	}
}

export function badCursor(): StoreError {
	return new StoreError(
		"bad_cursor",
		"The cursor is none that this store has made.",
	);
}
