import assert from "node:assert/strict";
import { wifiReason } from "./reason.ts";

describe("the reason of a Wi-Fi disconnect", () => {
	for (const code of [15, 202, 204]) {
		it(`${code} is a refused password`, () => {
			assert.equal(wifiReason(code), "wifi_password");
		});
	}

	for (const code of [210, 211]) {
		it(`${code} is an access point that asks for another password, or for none`, () => {
			assert.equal(wifiReason(code), "wifi_password");
		});
	}

	for (const code of [201, 212]) {
		it(`${code} is an access point that is not there`, () => {
			assert.equal(wifiReason(code), "wifi_not_found");
		});
	}

	for (const [code, what] of [
		[0, "none that is known"],
		[2, "an authentication that ran out of time, as a weak signal makes it"],
		[4, "an access point that thinks us idle"],
		[8, "our own leaving"],
		[200, "lost beacons"],
		[203, "a refused association"],
		[205, "a connection that failed"],
		[9999, "one of a later ESP-IDF"],
	] as const) {
		it(`${code}, ${what}, is neither`, () => {
			assert.equal(wifiReason(code), "wifi");
		});
	}
});
