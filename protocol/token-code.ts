import type { ByteWriter } from "./byte-writer.ts";
import {
	NIBBLE_ONLY,
	NIBBLE_UNUSED,
	NIBBLE_UNUSED_RUN,
	TOKENS,
} from "./format.ts";
import { canonicalCodes, codeLengths } from "./huffman.ts";

/** The code of one channel's tokens, made to measure. */
export class TokenCode {
	/** How often each token occurs: filled in by the user, before `build`. */
	readonly counts: Int32Array;
	/** Length of each token's code, bits. */
	readonly lengths: Uint8Array;
	/** The codes, once the table is written. */
	readonly codes: Uint16Array;
	private used = 0;

	constructor() {
		const memory = new ArrayBuffer(7 * TOKENS);
		this.counts = new Int32Array(memory, 0, TOKENS);
		this.codes = new Uint16Array(memory, 4 * TOKENS, TOKENS);
		this.lengths = new Uint8Array(memory, 6 * TOKENS, TOKENS);
	}

	/** Makes the code for `counts`. @returns how many bits its table and all tokens' codes take */
	build(): number {
		const { counts, lengths } = this;
		this.used = codeLengths(counts, lengths);
		let bits = this.eachNibble(null);
		for (let token = 0; token < TOKENS; token++)
			bits += (counts[token] as number) * (lengths[token] as number);
		return bits;
	}

	/** Writes the lengths of the codes in nibbles, and works out the codes. */
	writeTable(writer: ByteWriter): void {
		this.eachNibble(writer);
		canonicalCodes(this.lengths, this.codes);
	}

	/** @returns how many bits the table takes */
	private eachNibble(writer: ByteWriter | null): number {
		let bits = 0;
		const nibble = (value: number): void => {
			bits += 4;
			writer?.bits(value, 4);
		};
		let unused = 0;
		let left = this.used;
		for (let token = 0; left > 0; token++) {
			if (this.counts[token] === 0) {
				unused++;
				continue;
			}
			while (unused > 1) {
				const run = Math.min(unused, 17);
				nibble(NIBBLE_UNUSED_RUN);
				nibble(run - 2);
				unused -= run;
			}
			if (unused === 1) nibble(NIBBLE_UNUSED);
			unused = 0;
			nibble(this.used === 1 ? NIBBLE_ONLY : (this.lengths[token] as number));
			left--;
		}
		return bits;
	}
}
