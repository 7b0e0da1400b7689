import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { HEALTH_STATES, stateName } from "./health-states.ts";

const PAGE = new URL("../docs/health.md", import.meta.url);

describe("The states of a node's health", () => {
	it("have a number each, of which none stands for two", () => {
		for (const [channel, codes] of Object.entries(HEALTH_STATES)) {
			const numbers = Object.values(codes);
			assert.equal(new Set(numbers).size, numbers.length, channel);
			assert.ok(numbers.includes(0), channel);
			for (const number of numbers)
				assert.ok(Number.isInteger(number) && number >= 0, channel);
		}
	});

	it("have their names found by number", () => {
		assert.equal(stateName("health.link", 2), "wifi_password");
		assert.equal(stateName("health.reset", 0), "unknown");
	});

	it("have no name where there is none", () => {
		for (const [channel, value] of [
			["health.link", 99],
			["health.link", -1],
			["health.link", 0.5],
			["health.link", Number.NaN],
			["health.depth", 0],
			["link", 0],
			["constructor", 0],
			["", 0],
		] as const)
			assert.equal(stateName(channel, value), undefined, `${channel} ${value}`);
	});

	it("are those of the page that explains them, number by number", () => {
		const told: Record<string, Record<string, number>> = {};
		let channel = "";
		for (const line of readFileSync(PAGE, "utf8").split("\n")) {
			const heading = /^## `(health\.\w+)`/.exec(line);
			if (heading?.[1] !== undefined) {
				channel = heading[1];
				told[channel] = {};
			}
			const row = /^\| (\d+) \| `(\w+)` \| .+ \| .+ \|$/.exec(line);
			const states = told[channel];
			if (row?.[2] !== undefined && states !== undefined)
				states[row[2]] = Number(row[1]);
		}
		assert.deepEqual(told, HEALTH_STATES);
	});
});
