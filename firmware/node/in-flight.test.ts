import assert from "node:assert/strict";
import fc from "fast-check";
import { packetIdOf, Window } from "./in-flight.ts";

describe("packet identifier", () => {
	it("is one that MQTT allows, and the same whenever a block is sent", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (sequence) => {
				const id = packetIdOf(sequence);
				assert.ok(id >= 1 && id <= 0xffff);
				assert.equal(packetIdOf(sequence), id);
			}),
		);
	});

	it("differs for any 65,535 blocks in a row", () => {
		const ids = new Set<number>();
		for (let n = 0; n < 0xffff; n++) ids.add(packetIdOf(70_000 + n));
		assert.equal(ids.size, 0xffff);
	});
});

describe("window", () => {
	it("has as many places as it was given, and takes them again when they are free", () => {
		const window = new Window(2);
		window.freePlace()?.take(7, null, new Uint8Array(3));
		window.freePlace()?.take(8, null, new Uint8Array(3));
		assert.equal(window.freePlace(), null);
		assert.equal(window.withId(8)?.lengthBytes, 3);
		window.withId(7)?.free();
		assert.equal(window.freePlace()?.id, 0);
		assert.equal(window.withId(7), null);
	});

	it("gives an identifier that none of its places holds", () => {
		const window = new Window(3);
		for (let n = 0; n < 3; n++) {
			const id = window.unusedId();
			assert.equal(id, 0xffff - n);
			window.freePlace()?.take(id, null, new Uint8Array(1));
		}
	});
});
