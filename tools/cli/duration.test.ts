import assert from "node:assert/strict";
import { parseDuration, parseTime, parseWhole } from "./duration.ts";
import { UsageError } from "./errors.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");

describe("durations and times on the command line", () => {
	it("reads every unit", () => {
		for (const [text, ms] of [
			["250ms", 250],
			["90s", 90_000],
			["1.5h", 5_400_000],
			["5m", 300_000],
			["7d", 604_800_000],
			["2w", 1_209_600_000],
		] as const) {
			assert.equal(parseDuration(text, "--for"), ms);
		}
	});

	for (const text of [
		"",
		"5",
		"s",
		"-5s",
		"5 s",
		"5y",
		"1e3s",
		"NaNs",
		"36526d",
		`${"9".repeat(400)}d`,
	]) {
		it(`refuses the duration "${text}" and names the option`, () => {
			assert.throws(
				() => parseDuration(text, "--for"),
				(error: Error) =>
					error instanceof UsageError && error.message.includes("--for"),
			);
		});
	}

	it("reads ISO-8601 times, UTC where no offset is given", () => {
		assert.equal(parseTime("2026-11-23T12:00:00Z", "--from", 0), NOW);
		assert.equal(parseTime("2026-11-23T13:00:00+01:00", "--from", 0), NOW);
		assert.equal(parseTime("2026-11-23T12:00", "--from", 0), NOW);
		assert.equal(parseTime("2026-11-23", "--from", 0), NOW - 43_200_000);
	});

	it("reads now and how long ago", () => {
		assert.equal(parseTime("now", "--to", NOW), NOW);
		assert.equal(parseTime("-1h", "--from", NOW), NOW - 3_600_000);
	});

	for (const text of [
		"",
		"yesterday",
		"2026-13-01",
		"1763899200",
		"+1h",
		"-99999999999d",
	]) {
		it(`refuses the time "${text}"`, () => {
			assert.throws(() => parseTime(text, "--from", NOW), UsageError);
		});
	}

	it("keeps whole numbers within their bounds", () => {
		assert.equal(parseWhole("8883", "--mqtt-port", 0, 65_535), 8883);
		for (const text of ["-1", "65536", "8883.5", "0x10", "", "many"]) {
			assert.throws(
				() => parseWhole(text, "--mqtt-port", 0, 65_535),
				UsageError,
			);
		}
	});
});
