import assert from "node:assert/strict";
import fc from "fast-check";
import { FakeAgent } from "./fakes/agent.ts";
import { FakeSettings, FakeSystem } from "./fakes/board.ts";
import { FakeNetwork } from "./fakes/network.ts";
import { FakeStreams, type StreamRequest } from "./fakes/stream-service.ts";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import { HeapFlash } from "./heap-flash.ts";
import { Journal } from "./journal.ts";
import { readRejection, readStreamBlock } from "./stream-message.ts";
import {
	FileStream,
	MOST_ASKS,
	STREAM_BLOCK_BYTES,
	StreamFile,
} from "./stream-source.ts";
import type { ByteSource, SourceReason } from "./update-ports.ts";
import { Uplink } from "./uplink.ts";

const BLOCK = STREAM_BLOCK_BYTES;
const MINUTE_MS = 60_000;

const FILE = Uint8Array.from({ length: 3 * BLOCK + 700 }, (_, i) => i * 7);

class Taken {
	readonly bytes: number[] = [];
	ended = 0;
	readonly failures: SourceReason[] = [];
	whenBytes: () => void = () => undefined;

	onBytes(bytes: Uint8Array): void {
		this.bytes.push(...bytes);
		this.whenBytes();
	}

	onEnd(): void {
		this.ended++;
	}

	onFailed(reason: SourceReason): void {
		this.failures.push(reason);
	}
}

function setUp(files: Uint8Array[] = [FILE]) {
	const timers = new VirtualTimers();
	const system = new FakeSystem();
	const network = new FakeNetwork(timers);
	network.grants = () => 1;
	const streams = new FakeStreams(network, files);
	network.onMessage = (message) => void streams.take(message);
	const uplink = new Uplink({
		boot: 1,
		system,
		timers,
		settings: new FakeSettings(),
		network,
		identity: {
			thing: "node-1",
			host: "broker.test",
			port: 8883,
			certificateId: "cert-1",
		},
		journal: Journal.mount(new HeapFlash(8, 4096), (into) => into.fill(7)),
		chance: () => 0,
	});
	// As the node's other agents, who are there from the start.
	FakeAgent.on(uplink.link, "other");
	uplink.start();
	timers.advance(1000);
	const stream = new FileStream({
		thing: "node-1",
		stream: "s",
		link: uplink.link,
		timers,
		system,
	});
	const fetch = (
		offset: number,
		length: number,
		source: ByteSource = new StreamFile(stream, 0, BLOCK),
	): Taken => {
		const taken = new Taken();
		source.fetch(offset, length, taken);
		return taken;
	};
	return { timers, system, network, streams, uplink, stream, fetch };
}

function assertTaken(taken: Taken, offset: number, length: number): void {
	assert.deepEqual(taken.failures, []);
	assert.deepEqual(taken.bytes, [...FILE.subarray(offset, offset + length)]);
	assert.equal(taken.ended, 1);
}

describe("a file over MQTT", () => {
	it("comes block by block, each asked for by number and size", () => {
		const { timers, streams, fetch } = setUp();
		for (const [offset, length] of [
			[0, BLOCK],
			[BLOCK, BLOCK],
			[BLOCK + 100, BLOCK - 100],
			[3 * BLOCK, 700],
		] as const) {
			const taken = fetch(offset, length);
			timers.advance(1000);
			assertTaken(taken, offset, length);
		}
		assert.deepEqual(
			streams.requests.map(({ f, l, o, n }) => [f, l, o, n]),
			[0, 1, 1, 3].map((block) => [0, BLOCK, block, 1]),
		);
	});

	it("comes in blocks of the size that it was opened with", () => {
		const { timers, streams, stream, fetch } = setUp();
		const taken = fetch(BLOCK, BLOCK / 2, new StreamFile(stream, 0, BLOCK / 2));
		timers.advance(1000);
		assertTaken(taken, BLOCK, BLOCK / 2);
		const [request] = streams.requests;
		assert.deepEqual([request?.l, request?.o], [BLOCK / 2, 2]);
	});

	it("is one of several", () => {
		const { timers, fetch, stream } = setUp([new Uint8Array(0), FILE]);
		const taken = fetch(0, BLOCK, new StreamFile(stream, 1, BLOCK));
		timers.advance(1000);
		assertTaken(taken, 0, BLOCK);
	});

	it("is asked for again when it does not come, with patience that grows, and is lost then", () => {
		const { timers, streams, fetch } = setUp();
		streams.instead = (_, n) => n < MOST_ASKS - 1;
		const taken = fetch(0, BLOCK);
		timers.advance(10_500);
		assert.equal(streams.requests.length, 2);
		timers.advance(20_000);
		assert.equal(streams.requests.length, 3);
		timers.advance(2 * MINUTE_MS);
		assertTaken(taken, 0, BLOCK);
		streams.instead = () => true;
		const lost = fetch(0, BLOCK);
		timers.advance(10 * MINUTE_MS);
		assert.deepEqual(lost.failures, ["connection_lost"]);
		assert.equal(streams.requests.length, 2 * MOST_ASKS);
	});

	it("passes over what comes twice, late, or unasked, and what is no block", () => {
		const { timers, streams, fetch } = setUp();
		streams.instead = ({ l }) => {
			streams.send(FILE.subarray(2 * l, 3 * l), { f: 0, i: 2 });
			streams.send(FILE.subarray(0, l), { f: 1, i: 1 });
			streams.sendText("data/json", '{"f":0,"i":1,"p":"A"}');
			return false;
		};
		const taken = fetch(BLOCK, BLOCK);
		timers.advance(1000);
		assertTaken(taken, BLOCK, BLOCK);
		streams.instead = ({ l }) => {
			streams.send(FILE.subarray(l, 2 * l), { f: 0, i: 1 });
			streams.send(FILE.subarray(2 * l, 3 * l), { f: 0, i: 2 });
			return false;
		};
		const next = fetch(2 * BLOCK, BLOCK);
		timers.advance(1000);
		assertTaken(next, 2 * BLOCK, BLOCK);
		timers.advance(MINUTE_MS);
		assert.equal(streams.requests.length, 2);
	});

	it("waits for a connection as long as it takes, and asks again on it", () => {
		const { timers, network, streams, fetch } = setUp();
		streams.instead = () => true;
		const taken = fetch(0, BLOCK);
		timers.advance(5000);
		network.failWith = "tcp";
		network.drop();
		timers.advance(6 * 60 * MINUTE_MS);
		assert.deepEqual(taken.failures, []);
		network.failWith = null;
		streams.instead = () => false;
		timers.advance(10 * MINUTE_MS);
		assertTaken(taken, 0, BLOCK);
	});

	it("is not longer nor shorter than it should be", () => {
		const { timers, fetch, streams } = setUp();
		for (const [offset, length] of [
			[3 * BLOCK, 701],
			[3 * BLOCK, 699],
			[2 * BLOCK, BLOCK - 1],
		] as const) {
			const taken = fetch(offset, length);
			timers.advance(1000);
			assert.deepEqual(taken.failures, ["wrong_length"]);
			assert.deepEqual(taken.bytes, []);
		}
		const behind = fetch(4 * BLOCK, 100);
		timers.advance(1000);
		assert.deepEqual(behind.failures, ["not_found"]);
		streams.instead = () => {
			streams.send(FILE.subarray(0, BLOCK + 1), { f: 0, i: 0 });
			return true;
		};
		const larger = fetch(0, BLOCK);
		timers.advance(1000);
		streams.instead = () => {
			streams.send(new Uint8Array(2 * BLOCK), { f: 0, i: 0 });
			return true;
		};
		const muchLarger = fetch(0, BLOCK);
		timers.advance(1000);
		assert.deepEqual(
			[larger.failures, muchLarger.failures],
			[["ranges_ignored"], ["ranges_ignored"]],
		);
	});

	for (const [code, reason] of [
		["ResourceNotFound", "not_found"],
		["Unauthorized", "not_found"],
		["ETagMismatch", "not_found"],
		["OffsetOutOfBounds", "wrong_length"],
		["BlockSizeOutOfBounds", "ranges_ignored"],
		["BlockCountLimitExceeded", "ranges_ignored"],
		["InternalError", "server_error"],
		["InvalidRequest", "server_error"],
		["toString", "server_error"],
	] as const)
		it(`fails by ${reason} where it is rejected by ${code}`, () => {
			const { timers, streams, fetch } = setUp();
			streams.instead = ({ c }) => {
				streams.reject(code, c);
				return true;
			};
			const taken = fetch(0, BLOCK);
			timers.advance(1000);
			assert.deepEqual(taken.failures, [reason]);
			assert.equal(streams.requests.length, 1);
		});

	it("does not take the rejection of another question for its own", () => {
		const { timers, streams, fetch } = setUp();
		streams.instead = () => {
			streams.reject("ResourceNotFound", "0");
			return false;
		};
		const taken = fetch(0, BLOCK);
		timers.advance(1000);
		assertTaken(taken, 0, BLOCK);
	});

	it("hands over nothing once it is cancelled, also in the middle of it, or closed", () => {
		const { timers, stream, uplink, streams } = setUp();
		const taken = new Taken();
		const request = new StreamFile(stream, 0, BLOCK).fetch(0, BLOCK, taken);
		request.cancel();
		timers.advance(MINUTE_MS);
		assert.deepEqual([taken.bytes, taken.ended], [[], 0]);
		const second = new Taken();
		const again = new StreamFile(stream, 0, BLOCK).fetch(0, BLOCK, second);
		second.whenBytes = () => again.cancel();
		timers.advance(1000);
		assert.deepEqual(second.ended, 0);
		const third = new Taken();
		new StreamFile(stream, 0, BLOCK).fetch(0, BLOCK, third);
		stream.close();
		timers.advance(10 * MINUTE_MS);
		assert.deepEqual([third.bytes, third.failures], [[], []]);
		assert.equal(uplink.isAsking, false);
		// The first was cancelled before the stream was subscribed to.
		assert.equal(streams.requests.length, 2);
	});

	it("comes whole whatever is lost, late or twice", () => {
		fc.assert(
			fc.property(
				fc.array(
					fc.constantFrom("lost", "twice", "late", "well", "error", "drop"),
					{ maxLength: 30 },
				),
				(fates) => {
					const { timers, streams, network, stream } = setUp();
					const fates_ = [...fates];
					streams.instead = (request: StreamRequest) => {
						const fate = fates_.shift() ?? "well";
						if (fate === "twice") streams.answer(request);
						if (fate === "late")
							timers.set(() => streams.answer(request), 15_000);
						if (fate === "error") streams.reject("InternalError", request.c);
						if (fate === "drop") timers.set(() => network.drop(), 0);
						return fate !== "well" && fate !== "twice";
					};
					const got: number[] = [];
					while (got.length < FILE.length) {
						const taken = new Taken();
						const from = got.length;
						const length = Math.min(BLOCK, FILE.length - from);
						new StreamFile(stream, 0, BLOCK).fetch(from, length, taken);
						timers.advance(60 * MINUTE_MS);
						assert.equal(taken.ended + taken.failures.length, 1);
						got.push(...taken.bytes);
					}
					assert.deepEqual(got, [...FILE]);
				},
			),
			{ numRuns: 50 },
		);
	});
});

describe("a message of a stream", () => {
	const read = (text: string) =>
		readStreamBlock(new Uint8Array(Buffer.from(text)));

	it("is read in any order of its members, and with spaces", () => {
		for (const text of [
			'{"f":2,"i":3,"l":3,"p":"AQID"}',
			'{"p":"AQID","f":2,"i":3,"l":3}',
			' { "c" : "p" , "x":{"p":"no"},\n"p" : "AQID", "f": 2, "i": 3 } ',
			'{"c":"\\"p\\":\\"AAAA","y":["p","q"],"p":"AQID","f":2,"i":3}',
		]) {
			const { file, block, bytes } = read(text) ?? {};
			assert.deepEqual([file, block], [2, 3], text);
			assert.deepEqual([...(bytes ?? [])], [1, 2, 3], text);
		}
	});

	for (const text of [
		"",
		"{}",
		"[]",
		'{"f":0,"i":0}',
		'{"f":0,"i":0,"p":3}',
		'{"f":0,"i":0,"p":"AQI"}',
		'{"f":0,"i":0,"p":"AQID',
		'{"f":"0","i":0,"p":"AQID"}',
		'{"f":0,"p":"AQID"}',
		'{"f":0,"i":0,"p":"AQID"',
		'{"a":{"f":0,"i":0,"p":"AQID"}}',
		'{"f":0,"i":0,"q":"p","r":"AQID"}',
	])
		it(`is none where it says ${text}`, () => {
			assert.equal(read(text), null);
		});

	it("may say anything without a fault", () => {
		fc.assert(
			fc.property(fc.uint8Array(), (bytes) => {
				readStreamBlock(bytes.slice());
				readRejection({ bytes: bytes.slice() });
			}),
		);
	});
});
