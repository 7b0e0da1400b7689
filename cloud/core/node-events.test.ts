import assert from "node:assert/strict";
import { EventError, parseEvent } from "./node-events.ts";

const BOOT = {
	type: "boot",
	boot: 1,
	uptimeMs: 20,
	journalId: "00000000000000a1",
	resetReason: "power_on",
	board: "virtual",
	firmware: "1.0.0",
};
const REFUSED = {
	type: "config_refused",
	boot: 1,
	uptimeMs: 20,
	reason: "The interval is too short.",
};

function parse(document: object) {
	return parseEvent(new TextEncoder().encode(JSON.stringify(document)));
}

describe("parseEvent", () => {
	it("takes text of any language", () => {
		const event = parse({ ...REFUSED, reason: "Zu kurz: ½ 秒 😀" });
		assert.equal("reason" in event && event.reason, "Zu kurz: ½ 秒 😀");
	});

	for (const [name, text] of [
		["an escape sequence", "\u001b[2J"],
		["a line break", "1.0.0\nok"],
		["a NUL", "\u0000"],
		["a one-byte escape of C1", "\u009b2J"],
		["DEL", "\u007f"],
		["a line separator", "\u2028"],
		["an override of the writing direction", "\u202egpj.exe"],
		["an isolate of the writing direction", "\u2066x"],
	] as const) {
		it(`refuses text with ${name}`, () => {
			for (const document of [
				{ ...BOOT, board: text },
				{ ...BOOT, firmware: text },
				{ ...REFUSED, reason: text },
			]) {
				assert.throws(() => parse(document), EventError);
			}
		});
	}
});
