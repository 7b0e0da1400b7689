import assert from "node:assert/strict";
import { csvRecord, formatTable } from "./output.ts";

describe("tables and CSV", () => {
	it("aligns text to the left and numbers to the right", () => {
		assert.equal(
			formatTable(
				["name", "value"],
				[
					["a", 1],
					["long", 100],
				],
			),
			"name  value\na         1\nlong    100\n",
		);
	});

	it("counts characters, not code units", () => {
		assert.equal(
			formatTable(["unit", "x"], [["°C", "y"]]),
			"unit  x\n°C    y\n",
		);
	});

	it("prints the head alone when there are no rows", () => {
		assert.equal(formatTable(["name", "online"], []), "name  online\n");
	});

	it("quotes what RFC 4180 says must be quoted", () => {
		assert.equal(
			csvRecord(["plain", 'a "b"', "c,d", "e\nf", null, 1.5]),
			'plain,"a ""b""","c,d","e\nf",,1.5',
		);
	});
});
