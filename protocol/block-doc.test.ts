/**
 * A decoder written from docs/block.md alone, slowly and naively: it shares nothing with decode.ts, and must agree
 * with it on every block and with the example in the page.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { arbitraryInput, encode } from "./arbitrary-block.test.ts";
import { type Block, type BlockInput, MISSING } from "./block.ts";
import { decodeBlock, readHeader } from "./decode.ts";

const PAGE = readFileSync(new URL("../docs/block.md", import.meta.url), "utf8");

function fenced(language: string): string {
	const found = PAGE.split(`\`\`\`${language}\n`)[1]?.split("```")[0];
	assert.ok(found !== undefined, `docs/block.md has no ${language} example`);
	return found;
}

/** Bits of the whole block, each byte's highest first, as characters. */
class Bits {
	readonly text: string;
	at = 0;
	constructor(bytes: Uint8Array) {
		this.text = [...bytes]
			.map((byte) => byte.toString(2).padStart(8, "0"))
			.join("");
	}
	take(count: number): number {
		this.at += count;
		return count === 0
			? 0
			: Number.parseInt(this.text.slice(this.at - count, this.at), 2);
	}
	byte = () => this.take(8);
	uint32 = () =>
		this.byte() +
		2 ** 8 * this.byte() +
		2 ** 16 * this.byte() +
		2 ** 24 * this.byte();
	varint(): number {
		const byte = this.byte();
		return byte < 128 ? byte : byte - 128 + 128 * this.varint();
	}
	zigzag(): number {
		const folded = this.varint();
		return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
	}
	text8(): string {
		const bytes = Array.from({ length: this.varint() }, this.byte);
		return new TextDecoder().decode(Uint8Array.from(bytes));
	}
	align(): void {
		while (this.at % 8 !== 0) assert.equal(this.take(1), 0);
	}
}

function readCodes(bits: Bits): Map<string, number> {
	const lengths = new Map<number, number>();
	let sum = 0;
	for (let token = 0; sum < 1; ) {
		const nibble = bits.take(4);
		if (nibble === 0) token += 1;
		else if (nibble === 13) token += bits.take(4) + 2;
		else if (nibble === 14) return new Map([["", token]]);
		else {
			lengths.set(token++, nibble);
			sum += 2 ** -nibble;
		}
	}
	const inOrder = [...lengths].sort(
		([tokenA, a], [tokenB, b]) => a - b || tokenA - tokenB,
	);
	const codes = new Map<string, number>();
	let next = 0;
	let before = 0;
	for (const [token, length] of inOrder) {
		next *= 2 ** (length - before);
		codes.set(next.toString(2).padStart(length, "0"), token);
		next++;
		before = length;
	}
	return codes;
}

function readResidual(bits: Bits, codes: Map<string, number>): number {
	let code = "";
	while (!codes.has(code)) code += bits.take(1);
	const token = codes.get(code)!;
	const extraBits = Math.floor((token - 16) / 2) + 3;
	const folded =
		token < 16
			? token
			: (2 + (token % 2)) * 2 ** extraBits + bits.take(extraBits);
	return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
}

function readPresence(bits: Bits, lead: number, samples: number): boolean[] {
	const present: boolean[] = [];
	if (lead >= 128) {
		for (let at = 0; at < samples; at += 8) {
			const byte = bits.byte();
			for (let bit = 0; bit < 8; bit++)
				present.push(Math.floor(byte / 2 ** bit) % 2 === 1);
		}
		return present.slice(0, samples);
	}
	for (let there = true; present.length < samples; there = !there)
		for (let run = bits.varint(); run > 0; run--) present.push(there);
	return present;
}

const wrap = (value: bigint): bigint => BigInt.asIntN(32, value);

function readValues(
	bits: Bits,
	samples: number,
	count: number,
	first: number | null,
): (number | null)[] {
	if (count === 0) return Array(samples).fill(null);
	if (samples === 1) return [first];
	const lead = bits.byte();
	const present =
		count < samples
			? readPresence(bits, lead, samples)
			: Array(samples).fill(true);
	const values = [BigInt(first!)];
	const predictor = lead % 128;
	if (count > 1 && predictor === 10)
		for (let index = 1; index < count; index++)
			values.push(wrap(BigInt(bits.uint32())));
	else if (count > 1) {
		const line = predictor === 8;
		const trend = predictor === 9;
		const shift = BigInt(line ? 16 : trend ? 0 : predictor);
		let prediction = BigInt(first!);
		let drift = 0n;
		if (line) {
			prediction = wrap(prediction + BigInt(bits.zigzag()));
			drift = BigInt(bits.zigzag());
		}
		let rest = shift === 0n ? 0n : 1n << (shift - 1n);
		const codes = readCodes(bits);
		for (let index = 1; index < count; index++) {
			const residual = BigInt(readResidual(bits, codes));
			values.push(wrap(prediction + residual));
			if (trend) drift = wrap(drift + residual);
			rest = wrap(rest + drift);
			if (!line) rest = wrap(rest + residual);
			prediction = wrap(prediction + (rest >> shift));
			rest = BigInt.asUintN(Number(shift), rest);
		}
		bits.align();
	}
	let next = 0;
	return present.map((there) => (there ? Number(values[next++]) : null));
}

function readSummary(bits: Bits, samples: number, gauge: boolean) {
	const count = samples - bits.varint();
	if (count === 0)
		return { count, first: null, last: null, min: null, max: null, sum: null };
	const first = bits.zigzag();
	if (count === 1)
		return {
			count,
			first,
			last: first,
			min: first,
			max: first,
			sum: gauge ? first : 0,
		};
	const last = first + bits.zigzag();
	const min = Math.min(first, last) - bits.varint();
	const max = Math.max(first, last) + bits.varint();
	const expected = gauge
		? Math.floor((count * (first + last)) / 2)
		: last - first;
	return { count, first, last, min, max, sum: expected + bits.zigzag() };
}

/** What the page says a block's bytes mean, with null for missing samples. */
function decodeByThePage(bytes: Uint8Array) {
	const bits = new Bits(bytes);
	assert.deepEqual([bits.byte(), bits.byte(), bits.byte()], [0x54, 0x48, 1]);
	const flags = bits.byte();
	const journalId = Array.from({ length: 8 }, () =>
		bits.byte().toString(16).padStart(2, "0"),
	).join("");
	const boot = bits.varint();
	const sequence = bits.varint();
	const startUptimeMs = bits.varint();
	const intervalMs = bits.varint();
	const sampleCount = bits.varint();
	const source = flags & 4 ? "stored" : "network";
	const clock = flags & 2 ? { bootTimeMs: bits.zigzag(), source } : null;
	const headers = Array.from({ length: bits.varint() }, () => {
		const id = bits.text8();
		const unit = bits.text8();
		const kind = bits.byte();
		const gauge = kind < 32;
		return {
			channel: {
				id,
				unit,
				exponent: (kind % 32) - 9,
				kind: gauge ? "gauge" : "counter",
			},
			summary: readSummary(bits, sampleCount, gauge),
		};
	});
	const columns = headers.map(({ summary }) =>
		readValues(bits, sampleCount, summary.count, summary.first),
	);
	assert.equal(bits.at / 8 + 4, bytes.length);
	return {
		journalId,
		boot,
		sequence,
		live: (flags & 1) === 1,
		startUptimeMs,
		intervalMs,
		sampleCount,
		clock,
		channels: headers.map(({ channel }) => channel),
		summaries: headers.map(({ summary }) => summary),
		columns,
	};
}

function withNulls(block: Block) {
	return {
		...block,
		columns: block.columns.map((column) =>
			Array.from(column, (value) => (value === MISSING ? null : value)),
		),
	};
}

describe("docs/block.md", () => {
	const bytes = Uint8Array.from(
		Buffer.from(fenced("hex").replace(/#.*|\s/g, ""), "hex"),
	);
	const expected = JSON.parse(fenced("json"));

	it("has an example that decodes to what it says", () => {
		assert.deepEqual(withNulls(decodeBlock(bytes)), expected);
		const { columns: _, ...header } = expected;
		assert.deepEqual(readHeader(bytes), header);
	});

	it("has an example that a decoder written from it reads", () => {
		assert.deepEqual(decodeByThePage(bytes), expected);
	});

	it("has an example that the encoder writes", () => {
		const columns = expected.columns.map((values: (number | null)[]) =>
			Int32Array.from(values, (value) => value ?? MISSING),
		);
		const input: BlockInput = { ...expected, columns };
		assert.deepEqual(encode(input), bytes);
	});

	it("describes every block: a decoder written from it agrees with decodeBlock", () => {
		fc.assert(
			fc.property(arbitraryInput, (input) => {
				const encoded = encode(input);
				assert.deepEqual(
					decodeByThePage(encoded),
					withNulls(decodeBlock(encoded)),
				);
			}),
			{ numRuns: 60 },
		);
	});
});
