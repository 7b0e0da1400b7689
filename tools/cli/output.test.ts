import assert from "node:assert/strict";
import { formatTable, showControls, toJson } from "./output.ts";

describe("tables", () => {
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

	it("takes as many rows as there are", () => {
		const rows = Array.from({ length: 200_000 }, (_, i) => [`row ${i}`]);
		assert.ok(formatTable(["name"], rows).endsWith("row 199999\n"));
	});

	it("prints the head alone when there are no rows", () => {
		assert.equal(formatTable(["name", "online"], []), "name  online\n");
	});

	it("shows what a device put into a cell to steer the terminal", () => {
		assert.equal(
			formatTable(["name"], [["a\u001b[2Jb\nc"]]),
			"name\na\\x1b[2Jb\\x0ac\n",
		);
	});
});

describe("text that others chose", () => {
	it("is printed as it is when it is only text", () => {
		assert.equal(showControls("Grüße, 21 °C 你好"), "Grüße, 21 °C 你好");
	});

	it("has its control characters written out", () => {
		assert.equal(
			showControls("\u0000\t\r\u007f\u009b\u202e"),
			"\\x00\\x09\\x0d\\x7f\\x9b\\u202e",
		);
	});

	it("is the same JSON value, with nothing in it that a terminal acts on", () => {
		const value = { "\u009bkey": "\u001b]0;x\u0007\u007f\u202e°" };
		const text = toJson(value);
		assert.doesNotMatch(text, /[\p{Cc}\u202e]/u);
		assert.deepEqual(JSON.parse(text), value);
	});
});
