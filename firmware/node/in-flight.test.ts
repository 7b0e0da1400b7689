import assert from "node:assert/strict";
import fc from "fast-check";
import { EVENT_IDS, LAST_BLOCK_ID, packetIdOf, Window } from "./in-flight.ts";

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

	it("differs for any 65,280 blocks in a row, and is never an event's", () => {
		const ids = new Set<number>();
		for (let n = 0; n < LAST_BLOCK_ID; n++) ids.add(packetIdOf(70_000 + n));
		assert.equal(ids.size, LAST_BLOCK_ID);
		assert.equal(Math.max(...ids), LAST_BLOCK_ID);
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

	it("gives each event another identifier than the one before, beyond those of blocks", () => {
		const window = new Window(3);
		const ids: number[] = [];
		for (let n = 0; n < EVENT_IDS + 1; n++) ids.push(window.takeEventId());
		assert.equal(new Set(ids).size, EVENT_IDS);
		assert.equal(ids.at(-1), ids[0]);
		for (const id of ids) assert.ok(id > LAST_BLOCK_ID && id <= 0xffff);
	});

	it("gives no event an identifier that a place holds, or that was retired on this connection", () => {
		const window = new Window(1);
		const held = window.takeEventId();
		window.freePlace()?.take(held, null, new Uint8Array(1));
		const retired = window.takeEventId();
		window.retire(retired);
		for (let n = 0; n < 3 * EVENT_IDS; n++) {
			const id = window.takeEventId();
			assert.ok(id !== held && id !== retired);
		}
		window.startOver();
		const ids = new Set<number>();
		for (let n = 0; n < EVENT_IDS; n++) ids.add(window.takeEventId());
		assert.ok(ids.has(retired) && !ids.has(held));
	});

	it("gives none when all are in use", () => {
		const window = new Window(1);
		for (let n = 0; n < EVENT_IDS; n++) window.retire(window.takeEventId());
		assert.equal(window.takeEventId(), 0);
	});
});
