import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_CODE_BITS, TOKENS } from "./format.ts";
import { canonicalCodes, codeLengths } from "./huffman.ts";

const lengths = new Uint8Array(TOKENS);

const tokenCounts = fc
	.array(fc.oneof(fc.constant(0), fc.nat(9), fc.nat(4096)), {
		minLength: TOKENS,
		maxLength: TOKENS,
	})
	.map((counts) => Int32Array.from(counts));

/** The cost of an optimal code without a limit: the sum of all joints of the tree. */
function optimalBits(counts: Int32Array): number {
	const queue = [...counts].filter((count) => count > 0);
	let bits = 0;
	while (queue.length > 1) {
		queue.sort((left, right) => right - left);
		const joint = queue.pop()! + queue.pop()!;
		bits += joint;
		queue.push(joint);
	}
	return bits;
}

function cost(counts: Int32Array): number {
	return counts.reduce((sum, count, token) => sum + count * lengths[token]!, 0);
}

describe("codeLengths", () => {
	it("gives a complete code within the limit to exactly the tokens that occur", () => {
		fc.assert(
			fc.property(tokenCounts, (counts) => {
				const used = codeLengths(counts, lengths);
				assert.equal(used, counts.filter((count) => count > 0).length);
				if (used < 2) return;
				let filled = 0;
				lengths.forEach((length, token) => {
					assert.equal(length > 0, counts[token]! > 0);
					assert.ok(length <= MAX_CODE_BITS);
					if (length > 0) filled += 2 ** -length;
				});
				assert.equal(filled, 1);
			}),
		);
	});

	it("is optimal where counts are too small for codes beyond the limit", () => {
		// A code of 13 bits takes at least 610 occurrences in all, the 15th of Fibonacci's numbers.
		const few = fc
			.array(fc.nat(8), { minLength: TOKENS, maxLength: TOKENS })
			.map((counts) => Int32Array.from(counts));
		fc.assert(
			fc.property(few, (counts) => {
				codeLengths(counts, lengths);
				assert.equal(cost(counts), optimalBits(counts));
			}),
		);
	});

	it("keeps to the limit on counts that grow like Fibonacci's numbers", () => {
		const counts = new Int32Array(TOKENS);
		let [before, count] = [1, 1];
		for (let token = 0; token < 30; token++) {
			counts[token] = count;
			[before, count] = [count, before + count];
		}
		codeLengths(counts, lengths);
		assert.equal(Math.max(...lengths), MAX_CODE_BITS);
	});

	it("gives a lone token no bits, and nothing to no tokens", () => {
		const counts = new Int32Array(TOKENS);
		assert.equal(codeLengths(counts, lengths), 0);
		counts[5] = 7;
		assert.equal(codeLengths(counts, lengths), 1);
		assert.equal(Math.max(...lengths), 0);
	});
});

describe("canonicalCodes", () => {
	it("gives the codes of the example in RFC 1951, section 3.2.2", () => {
		const example = new Uint8Array(TOKENS);
		example.set([3, 3, 3, 3, 3, 2, 4, 4]);
		const codes = new Uint16Array(TOKENS);
		canonicalCodes(example, codes);
		assert.deepEqual(
			[...codes.subarray(0, 8)],
			[0b010, 0b011, 0b100, 0b101, 0b110, 0b00, 0b1110, 0b1111],
		);
	});
});
