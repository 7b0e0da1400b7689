import assert from "node:assert/strict";
import { FakeSystem } from "./fakes/board.ts";
import { HeapFlash } from "./heap-flash.ts";
import { packetIdOf } from "./in-flight.ts";
import { Journal } from "./journal.ts";
import { Outbox } from "./outbox.ts";

function setUp() {
	const flash = new HeapFlash(4, 4096);
	const journal = Journal.mount(flash, (into) => into.fill(1));
	const system = new FakeSystem();
	const limits = { window: 2, resendMs: 10_000, giveUpMs: 60_000 };
	const outbox = new Outbox(journal, system, limits);
	const append = (lengthBytes: number) =>
		journal.append(
			journal.takeSequence(),
			new Uint8Array(lengthBytes).fill(0x55),
		);
	/** Takes the next message as sent. */
	const send = (): number => {
		const place = outbox.pick(0, true);
		assert.ok(place?.ref);
		place.sends++;
		place.sentAtMs = 0;
		return place.ref.sequence;
	};
	return { flash, journal, system, outbox, append, send };
}

describe("outbox", () => {
	it("reports a block as released when its PUBACK has come, once", () => {
		const { append, send, outbox, system, journal } = setUp();
		append(100);
		const id = packetIdOf(send());
		outbox.acknowledge(id)?.free();
		outbox.acknowledge(id);
		assert.equal(journal.depth, 0);
		assert.deepEqual(system.reportsOf("released"), [
			{ event: "released", sequence: 0 },
		]);
	});

	it("does not report a block as released that the ring had dropped by then", () => {
		const { append, send, outbox, system, journal } = setUp();
		append(3000);
		const id = packetIdOf(send());
		for (let n = 0; n < 6; n++) append(3000);
		assert.ok(journal.dropped > 0);
		const depth = journal.depth;
		assert.ok(outbox.acknowledge(id));
		assert.equal(journal.depth, depth);
		assert.deepEqual(system.reportsOf("released"), []);
	});

	it("counts a block that cannot be read any more as dropped, and goes on with the next", () => {
		const { append, send, journal, flash, system } = setUp();
		append(100);
		append(100);
		flash.program(40 + 16 + 20, Uint8Array.of(0));
		assert.equal(send(), 1);
		assert.equal(journal.dropped, 1);
		assert.equal(journal.depth, 1);
		assert.equal(system.logs.length, 1);
	});
});
