import assert from "node:assert/strict";
import fc from "fast-check";
import { isEmailAddress } from "./email-address.ts";
import { cutToBytes, lines, oneLine, plainText } from "./message-text.ts";

const anyText = fc
	.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
	.map((units) => String.fromCharCode(...units));

describe("oneLine", () => {
	it("puts a space for what would end a line, a header or a direction of writing", () => {
		assert.equal(
			oneLine("a\r\nb\u0000c\u0085d\u2028e\u202ef\u2066g"),
			"a b c d e f g",
		);
	});

	it("keeps letters of every script, and characters beyond 16 bits", () => {
		assert.equal(oneLine("Kühlraum 冷凍庫 عربى 🥶"), "Kühlraum 冷凍庫 عربى 🥶");
	});

	it("cuts between characters", () => {
		assert.equal(oneLine("🥶🥶", 3), "🥶…");
		assert.equal(oneLine("🥶🥶🥶", 4), "🥶…");
	});

	it("is never longer than it may be, nor has a control character", () => {
		fc.assert(
			fc.property(anyText, fc.integer({ min: 1, max: 99 }), (text, max) => {
				const line = oneLine(text, max);
				assert.ok(line.length <= max);
				assert.doesNotMatch(line, /\p{Cc}/u);
				assert.equal(encodeURIComponent(line).length > 0 || line === "", true);
			}),
		);
	});
});

describe("lines", () => {
	it("keeps lines, whatever ended them, and nothing else that is a control character", () => {
		assert.equal(lines("a\r\nb\rc\nd\te\u0000f"), "a\nb\nc\nd e f");
	});
});

describe("cutToBytes", () => {
	it("is never longer than it may be, and is whole characters", () => {
		fc.assert(
			fc.property(anyText, fc.integer({ min: 3, max: 99 }), (text, max) => {
				const cut = cutToBytes(lines(text), max);
				assert.ok(new TextEncoder().encode(cut).length <= max);
				assert.ok(
					lines(text).startsWith(cut) ||
						lines(text).startsWith(cut.slice(0, -1)),
				);
			}),
		);
	});
});

describe("plainText", () => {
	it("says where to look, where that is known", () => {
		assert.equal(plainText({ text: "Warm.", link: null }), "Warm.");
		assert.equal(
			plainText({ text: "Warm.", link: "https://x/\r\n" }),
			"Warm.\n\nhttps://x/",
		);
	});
});

describe("isEmailAddress", () => {
	for (const address of [
		"a@example.org",
		"first.last+tag@mail.example.org",
		"o'hara@example.org",
		"root@localhost",
	]) {
		it(`takes ${address}`, () => {
			assert.equal(isEmailAddress(address), true);
		});
	}

	for (const address of [
		"",
		"example.org",
		"a@",
		"@example.org",
		"a@b@example.org",
		"a@example.org,b@example.org",
		"a@example.org b@example.org",
		"A <a@example.org>",
		"<a@example.org>",
		"a@example.org\r\nBcc: b@example.org",
		"a@example.org\n",
		"a..b@example.org",
		".a@example.org",
		"a@-example.org",
		"a@example..org",
		'"a b"@example.org',
		"a@[127.0.0.1]",
		"ü@example.org",
		`${"a".repeat(250)}@example.org`,
	]) {
		it(`does not take ${JSON.stringify(address).slice(0, 60)}`, () => {
			assert.equal(isEmailAddress(address), false);
		});
	}
});
