import assert from "node:assert/strict";
import { BlockList, isIP, isIPv6 } from "node:net";
import fc from "fast-check";
import { parseAddress } from "./address.ts";
import { hex } from "./der.ts";

const ZERO_14 = "00".repeat(14);

describe("An address", () => {
	for (const [text, bytes] of [
		["0.0.0.0", "00000000"],
		["127.0.0.1", "7f000001"],
		["255.255.255.255", "ffffffff"],
		["::", `${ZERO_14}0000`],
		["::1", `${ZERO_14}0001`],
		["1::", `0001${ZERO_14}`],
		["FD00::aB", `fd00${"00".repeat(13)}ab`],
		["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
		["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
		["::2:3:4:5:6:7:8", "00000002000300040005000600070008"],
		["::ffff:1.2.3.4", `${"00".repeat(10)}ffff01020304`],
		["1:2:3:4:5:6:1.2.3.4", "00010002000300040005000601020304"],
	] as const) {
		it(`is read: ${text}`, () => {
			const address = parseAddress(text);
			assert.equal(address && hex(address), bytes);
		});
	}

	for (const text of [
		"",
		"localhost",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.04",
		"1.2.3.",
		"1.2.3.-4",
		"1.2.3.4 ",
		"0x7f.0.0.1",
		":",
		":::",
		"1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9",
		"1:2:3:4:5:6:7:8::",
		"::1:2:3:4:5:6:7:8",
		"1::2::3",
		"1:2:3:4:5:6:7:",
		":1:2:3:4:5:6:7",
		"12345::",
		"g::",
		"1.2.3.4::",
		"::1.2.3.4:5",
		"::1.2.3",
		"fe80::1%eth0",
		"[::1]",
	]) {
		it(`is none: "${text}"`, () => {
			assert.equal(parseAddress(text), undefined);
		});
	}

	it("is one for Node when it is one for us, whatever the text", () => {
		const piece = fc.constantFrom(
			"0",
			"1",
			"10",
			"255",
			"256",
			"fF",
			"12345",
			".",
			":",
			"::",
			"1.2.3.4",
			"g",
		);
		const text = fc
			.array(piece, { maxLength: 16 })
			.map((parts) => parts.join(""));
		fc.assert(
			fc.property(text, (text) => {
				assert.equal(parseAddress(text) !== undefined, isIP(text) !== 0, text);
			}),
			{ numRuns: 20_000 },
		);
	});

	it("is the same for Node, however it is written", () => {
		const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
		const groups = fc.array(group, { minLength: 8, maxLength: 8 });
		fc.assert(
			fc.property(groups, fc.nat(8), fc.nat(8), (all, from, count) => {
				const text = [...all].map((value) => value.toString(16));
				// A run of zeros is written as "::".
				const zeros = all.slice(from, from + count);
				const short =
					zeros.length > 0 && zeros.every((value) => value === 0)
						? `${text.slice(0, from).join(":")}::${text.slice(from + count).join(":")}`
						: text.join(":");
				assert.ok(isIPv6(short), short);
				const list = new BlockList();
				list.addAddress(text.join(":"), "ipv6");
				assert.ok(list.check(short, "ipv6"));
				const bytes = parseAddress(short);
				const expected = all.map((value) =>
					value.toString(16).padStart(4, "0"),
				);
				assert.equal(bytes && hex(bytes), expected.join(""));
			}),
		);
	});
});
