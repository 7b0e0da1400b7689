import assert from "node:assert/strict";
import { csvField, csvLine } from "./csv.ts";

describe("csvLine", () => {
	it("separates by commas and ends with CRLF", () => {
		assert.equal(csvLine(["a", 1, null, true]), "a,1,,true\r\n");
	});

	it("quotes what holds a comma, a quote or a line end, and doubles quotes", () => {
		assert.equal(csvField("a,b"), '"a,b"');
		assert.equal(csvField('say "hi"'), '"say ""hi"""');
		assert.equal(csvField("a\nb"), '"a\nb"');
	});

	it("keeps text from becoming a formula, and leaves negative numbers alone", () => {
		assert.equal(csvField("=1+1"), "'=1+1");
		assert.equal(csvField("@x"), "'@x");
		assert.equal(csvField(-1.5), "-1.5");
	});
});
