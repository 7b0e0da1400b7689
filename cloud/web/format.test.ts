import assert from "node:assert/strict";
import {
	channelLabel,
	formatAgo,
	formatEvery,
	formatReading,
	formatValue,
	isHealthChannel,
} from "./format.ts";

describe("formatValue", () => {
	it("has as many decimals as the channel resolves", () => {
		assert.equal(formatValue(21.5, 0.01), "21.50");
		assert.equal(formatValue(1013.256, 0.1), "1,013.3");
		assert.equal(formatValue(41_000, 1), "41,000");
		assert.equal(formatValue(1_200, 100), "1,200");
		assert.equal(formatValue(-0.000001, 1e-9), "-0.000001000");
	});
});

describe("formatReading", () => {
	const link = { id: "health.link", unit: "", resolution: 1 };
	const temperature = { id: "temperature", unit: "°C", resolution: 0.01 };

	it("is a value and its unit, and of a state channel the state's name and number", () => {
		assert.deepEqual(formatReading(link, 2), ["wifi password", "2"]);
		assert.deepEqual(formatReading(link, 0), ["online", "0"]);
		assert.deepEqual(formatReading(temperature, 2), ["2.00", "°C"]);
	});

	it("has no name for what is beyond the states", () => {
		assert.deepEqual(formatReading(link, 999), ["999", ""]);
	});
});

describe("formatAgo", () => {
	it("counts in the largest unit that fits", () => {
		const ago = (ms: number) => formatAgo(1e12 - ms, 1e12);
		assert.equal(ago(0), "just now");
		assert.equal(ago(59_999), "59 s ago");
		assert.equal(ago(60_000), "1 min ago");
		assert.equal(ago(3_599_999), "59 min ago");
		assert.equal(ago(86_399_999), "23 h ago");
		assert.equal(ago(400 * 86_400_000), "400 d ago");
	});

	it("says just now of a clock that is ahead", () => {
		assert.equal(formatAgo(1e12 + 5_000, 1e12), "just now");
	});
});

describe("channelLabel", () => {
	it("makes words of an id", () => {
		assert.equal(channelLabel("temperature"), "Temperature");
		assert.equal(channelLabel("health.heap_free"), "Heap free");
		assert.equal(channelLabel("room.co2"), "Room co2");
	});
});

describe("isHealthChannel", () => {
	it("knows the node's own channels by their prefix", () => {
		assert.ok(isHealthChannel("health.rssi"));
		assert.ok(!isHealthChannel("healthy"));
	});
});

describe("formatEvery", () => {
	it("names a bucket's width", () => {
		assert.equal(formatEvery(300_000), "5 min");
		assert.equal(formatEvery(3_600_000), "1 h");
		assert.equal(formatEvery(86_400_000), "1 d");
	});
});
