import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { allFigures, HEADLINES, headlines, type Measured } from "./figures.ts";

const MEASURED: Measured = {
	date: "2026-03-02",
	commit: "bbbbbbb",
	machine: { cpu: "Example", cores: 2, memoryGiB: 4, node: "v20" },
	results: {
		block: [
			{ name: "Block size", value: 0.4, unit: "B", note: "of a day" },
			{ name: "Another", value: 1, unit: "B" },
		],
		disk: [
			{
				name: "Disk at rest",
				value: 2,
				unit: "MB",
				target: { op: "<=", value: 1 },
			},
		],
	},
	earlier: { disk: { date: "2026-03-01", commit: "aaaaaaa" } },
};

describe("figures", () => {
	it("are all on the page, each benchmark with when it was run, and how it measures", () => {
		const page = allFigures(MEASURED);
		assert.match(page, /## block\n\n2026-03-02, commit bbbbbbb\n/);
		assert.match(page, /## disk\n\n2026-03-01, commit aaaaaaa\n/);
		assert.match(page, /- \*Block size\*: of a day/);
		assert.match(page, /\| Another \| 1 B \| – \|/);
	});

	it("are shown as missed where they are", () => {
		assert.match(allFigures(MEASURED), /\| 2 MB \| ≤ 1 ✗ \|/);
	});

	it("are a few in the README", () => {
		const table = headlines(MEASURED);
		assert.match(table, /Block size/);
		assert.match(table, /Disk at rest/);
		assert.doesNotMatch(table, /Another/);
	});

	it("of the README are all measured", () => {
		const { results } = JSON.parse(
			readFileSync("bench/results.json", "utf8"),
		) as Measured;
		const names = new Set(
			Object.values(results)
				.flat()
				.map(({ name }) => name),
		);
		for (const name of HEADLINES) assert.ok(names.has(name), name);
	});
});
