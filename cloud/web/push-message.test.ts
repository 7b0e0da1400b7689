import assert from "node:assert/strict";
import fc from "fast-check";
import { readPushMessage, viewOf } from "./push-message.ts";

const MESSAGE = {
	id: "e1",
	tag: "a-tag",
	title: "Freezer too warm: cellar",
	body: "temperature is -9.5 °C.",
	device: "cellar",
	status: "firing",
	at: "2026-03-01T12:00:00.000Z",
	link: "https://elsewhere.example.org/",
};

describe("readPushMessage", () => {
	it("reads what the cloud pushes", () => {
		assert.deepEqual(readPushMessage(JSON.stringify(MESSAGE)), {
			id: "e1",
			tag: "a-tag",
			title: "Freezer too warm: cellar",
			body: "temperature is -9.5 °C.",
			device: "cellar",
			isFiring: true,
			atMs: Date.UTC(2026, 2, 1, 12),
		});
	});

	it("knows what has ended", () => {
		const text = JSON.stringify({ ...MESSAGE, status: "resolved" });
		assert.equal(readPushMessage(text).isFiring, false);
	});

	for (const text of ["", "{", "null", "[]", "7", "{}", '{"title":7}']) {
		it(`has something to show for ${JSON.stringify(text)}`, () => {
			assert.match(readPushMessage(text).body, /cannot read/);
		});
	}

	it("has something to show for whatever comes", () => {
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
				assert.notEqual(readPushMessage(text).title, "");
			}),
		);
	});
});

describe("viewOf", () => {
	it("is below the page's own address, whatever the device is called", () => {
		assert.equal(viewOf("cellar"), "/#/devices/cellar");
		assert.equal(viewOf(null), "/#/");
		fc.assert(
			fc.property(fc.string(), (device) => {
				const url = new URL(viewOf(device), "https://thinghz.example.org");
				assert.equal(url.origin, "https://thinghz.example.org");
				assert.equal(url.pathname, "/");
			}),
		);
	});
});
