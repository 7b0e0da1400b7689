import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { earliestTimeMs, knownTimeMs } from "./time-known.ts";

const DAY_MS = 86_400_000;
const RELEASED = "2026-11-23";
const RELEASED_MS = Date.UTC(2026, 10, 23);

describe("The time that a clock may have", () => {
	it("is not before the firmware's release, but for a day", () => {
		assert.equal(earliestTimeMs(RELEASED, 0), RELEASED_MS - DAY_MS);
	});

	it("is not before the node's own certificate, but for a day", () => {
		const issuedMs = RELEASED_MS + 30 * DAY_MS;
		assert.equal(earliestTimeMs(RELEASED, issuedMs), issuedMs - DAY_MS);
	});

	it("is unknown while the clock is before that", () => {
		const nowMs = Date.now();
		assert.equal(knownTimeMs(nowMs + 60_000), undefined);
		const known = knownTimeMs(nowMs);
		assert.ok(known !== undefined && known >= nowMs);
	});

	it("has a date of release that has been", () => {
		const { config } = JSON.parse(
			readFileSync(new URL("../../../manifest.json", import.meta.url), "utf8"),
		);
		assert.match(config.firmwareDate, /^\d{4}-\d\d-\d\d$/);
		assert.ok(earliestTimeMs(config.firmwareDate, 0) <= Date.now());
	});
});
