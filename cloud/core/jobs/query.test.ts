import assert from "node:assert/strict";
import fc from "fast-check";
import { JobError } from "./job.ts";
import {
	compareVersions,
	type FleetDevice,
	matches,
	parseQuery,
} from "./query.ts";

const DEVICE: FleetDevice = {
	name: "roof-1",
	board: "esp32/c3",
	firmware: "1.9.0",
	tags: { site: "roof" },
};

describe("A query for devices", () => {
	for (const [query, holds] of [
		["firmware<1.10", true],
		["firmware<1.9", false],
		["firmware<=1.9", true],
		["firmware>=1.9.0", true],
		["firmware>1.9.0-rc.1", true],
		["firmware=1.9.0", true],
		["firmware!=1.9.0", false],
		["board=esp32/c3", true],
		["board=esp32*", true],
		["board=esp32", false],
		["name=roof-*", true],
		["site=roof", true],
		["site!=roof", false],
		["floor!=2", true],
		["floor=2", false],
		["  firmware<2   site=roof ", true],
		["firmware<2 site=cellar", false],
		["toString=1", false],
	] as const) {
		it(`${holds ? "finds" : "does not find"} the device by ${query}`, () => {
			assert.equal(matches(parseQuery(query), DEVICE), holds);
		});
	}

	it("finds nobody by what they have not said yet", () => {
		const silent = { ...DEVICE, board: null, firmware: null };
		for (const query of ["firmware<9", "firmware!=1", "board!=esp32"]) {
			assert.equal(matches(parseQuery(query), silent), false);
		}
	});

	for (const query of [
		"",
		"  ",
		"firmware",
		"=1",
		"firmware<",
		"site<roof",
		"firmware<new",
		"site=a*b",
		"1a=b",
		"site==roof",
		"site=r öf",
		new Array(11).fill("a=b").join(" "),
	]) {
		it(`is not ${JSON.stringify(query.slice(0, 30))}`, () => {
			assert.throws(
				() => parseQuery(query),
				(error) => error instanceof JobError && error.code === "bad_job",
			);
		});
	}

	it("orders versions: each after those before it", () => {
		const ordered = [
			"0.9",
			"1.0.0-alpha",
			"1.0.0-alpha.1",
			"1.0.0-beta.2",
			"1.0.0-beta.11",
			"1.0.0",
			"1.9",
			"1.10.0",
			"2",
		];
		for (const [i, a] of ordered.entries()) {
			for (const [j, b] of ordered.entries()) {
				assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j));
			}
		}
		assert.equal(compareVersions("1.2", "1.2.0+build.7"), 0);
	});

	it("orders whatever is given as versions in one way", () => {
		const version = fc.string({ maxLength: 8 });
		fc.assert(
			fc.property(version, version, (a, b) => {
				assert.equal(
					Math.sign(compareVersions(a, b)),
					-Math.sign(compareVersions(b, a)) + 0,
				);
			}),
		);
	});
});
