/**
 * Finds what of an image is in another, and writes the rest (protocol/delta-format.ts). What is alike is found by the hashes of the
 * base's blocks; a copy goes on over bytes that differ as long as more are alike, as bsdiff's do, since a changed line shifts code
 * and so the addresses within it.
 */
import { DELTA_FORM, DELTA_MAGIC } from "../../protocol/delta-format.ts";

/** Every run of 2 × BLOCK − 1 equal bytes is found. */
const BLOCK = 16;
/** Positions that are remembered of blocks of the same content. */
const MOST_ALIKE = 8;
/** A copy ends this many lost points after its best end. */
const PATIENCE = 48;
/** What a byte that differs costs, in bytes that are alike. */
const DIFFERENCE_COST = 2;
/** A copy of less is not worth its record. */
const LEAST_COPY = 20;

export function encodeDelta(base: Uint8Array, image: Uint8Array): Uint8Array {
	const out = new ByteList();
	for (const byte of [...DELTA_MAGIC, DELTA_FORM]) out.push(byte);
	out.varint(base.length);
	out.varint(image.length);
	const index = indexOf(base);
	let copiedTo = 0;
	let pending = 0;
	let at = 0;
	while (at < image.length) {
		const match = findMatch(index, base, image, at, pending, copiedTo);
		if (match === null) {
			at++;
			continue;
		}
		if (match.at > pending) out.insert(image.subarray(pending, match.at));
		out.copy(base, image, match, copiedTo);
		copiedTo = match.from + match.length;
		pending = match.at + match.length;
		at = pending;
	}
	if (image.length > pending) out.insert(image.subarray(pending));
	return out.bytes();
}

interface Match {
	/** In the image. */
	readonly at: number;
	/** In the base. */
	readonly from: number;
	readonly length: number;
}

/** Where in the base there are blocks, by their hash. */
type Index = ReadonlyMap<number, readonly number[]>;

function indexOf(base: Uint8Array): Index {
	const index = new Map<number, number[]>();
	for (let at = 0; at + BLOCK <= base.length; at += BLOCK) {
		const hash = hashOf(base, at);
		const places = index.get(hash);
		if (places === undefined) index.set(hash, [at]);
		else if (places.length < MOST_ALIKE) places.push(at);
	}
	return index;
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array, at: number): number {
	let hash = 0x811c9dc5;
	for (let i = at; i < at + BLOCK; i++)
		hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
	return hash >>> 0;
}

/** The best copy that takes `at` in, and begins at `pending` or later. */
function findMatch(
	index: Index,
	base: Uint8Array,
	image: Uint8Array,
	at: number,
	pending: number,
	copiedTo: number,
): Match | null {
	if (at + BLOCK > image.length) return null;
	let best: Match | null = null;
	// Going on where the last copy ended costs least.
	const places = index.get(hashOf(image, at)) ?? [];
	const goesOn = copiedTo + (at - pending);
	for (const from of [goesOn, ...places]) {
		if (from + BLOCK > base.length || !isAlike(base, from, image, at)) continue;
		const match = extend(base, image, from, at, pending);
		if (match.length >= LEAST_COPY && match.length > (best?.length ?? 0))
			best = match;
	}
	return best;
}

function isAlike(
	base: Uint8Array,
	from: number,
	image: Uint8Array,
	at: number,
): boolean {
	for (let i = 0; i < BLOCK; i++)
		if (base[from + i] !== image[at + i]) return false;
	return true;
}

function extend(
	base: Uint8Array,
	image: Uint8Array,
	from: number,
	at: number,
	pending: number,
): Match {
	const forward = reach(
		(i) => base[from + i] === image[at + i],
		Math.min(base.length - from, image.length - at),
	);
	const backward = reach(
		(i) => base[from - 1 - i] === image[at - 1 - i],
		Math.min(from, at - pending),
	);
	return {
		at: at - backward,
		from: from - backward,
		length: backward + forward,
	};
}

/** How far it pays to go: the end with the most points. */
function reach(isEqual: (i: number) => boolean, limit: number): number {
	let points = 0;
	let best = 0;
	let end = 0;
	for (let i = 0; i < limit && points > best - PATIENCE; i++) {
		points += isEqual(i) ? 1 : -DIFFERENCE_COST;
		if (points > best) {
			best = points;
			end = i + 1;
		}
	}
	return end;
}

class ByteList {
	#bytes = new Uint8Array(4096);
	#length = 0;

	push(byte: number): void {
		this.#reserve(1);
		this.#bytes[this.#length++] = byte;
	}

	varint(value: number): void {
		let rest = value;
		while (rest >= 0x80) {
			this.push((rest % 0x80) + 0x80);
			rest = Math.floor(rest / 0x80);
		}
		this.push(rest);
	}

	insert(bytes: Uint8Array): void {
		this.varint(bytes.length * 2);
		this.#append(bytes);
	}

	copy(
		base: Uint8Array,
		image: Uint8Array,
		{ at, from, length }: Match,
		copiedTo: number,
	): void {
		this.varint(length * 2 + 1);
		const step = from - copiedTo;
		this.varint(step < 0 ? -2 * step - 1 : 2 * step);
		for (let i = 0; i < length; ) {
			const same = runOf(i, length, (n) => base[from + n] === image[at + n]);
			this.varint(same);
			i += same;
			const changed = runOf(i, length, (n) => base[from + n] !== image[at + n]);
			this.varint(changed);
			this.#append(image.subarray(at + i, at + i + changed));
			i += changed;
		}
	}

	bytes(): Uint8Array {
		return this.#bytes.slice(0, this.#length);
	}

	#append(bytes: Uint8Array): void {
		this.#reserve(bytes.length);
		this.#bytes.set(bytes, this.#length);
		this.#length += bytes.length;
	}

	#reserve(count: number): void {
		if (this.#length + count <= this.#bytes.length) return;
		const more = new Uint8Array(2 * (this.#length + count));
		more.set(this.#bytes);
		this.#bytes = more;
	}
}

function runOf(
	start: number,
	end: number,
	isIn: (n: number) => boolean,
): number {
	let n = start;
	while (n < end && isIn(n)) n++;
	return n - start;
}
