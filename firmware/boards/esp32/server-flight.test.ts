import assert from "node:assert/strict";
import { createECDH } from "node:crypto";
import fc from "fast-check";
import {
	HANDSHAKE_RECORD_BYTES_MAX,
	HEADER_BYTES,
	ServerFlight,
} from "./server-flight.ts";

const point = createECDH("prime256v1").generateKeys();
const u16 = (value: number) => [value >> 8, value & 0xff];
const message = (type: number, body: readonly number[]) => [
	type,
	0,
	...u16(body.length),
	...body,
];
const record = (type: number, body: readonly number[], version = 0x0303) =>
	Uint8Array.from([type, ...u16(version), ...u16(body.length), ...body]);

const helloBody = (suite = 0xc02b, version = 0x0303, compression = 0) => [
	...u16(version),
	...new Uint8Array(32),
	0,
	...u16(suite),
	compression,
];
const keyBody = (algorithm = [4, 3], at: readonly number[] = [...point]) => [
	...[3, 0, 23, at.length],
	...at,
	...algorithm,
	...[0, 2, 9, 9],
];
const HELLO = message(2, helloBody());
const CERTIFICATE = message(11, [0, 0, 0]);
const KEY = message(12, keyBody());
const REQUEST = message(13, [1, 1, 0, 0, 0, 0]);
const DONE = message(14, []);
const CIPHER = record(20, [1]);
const FINISHED = record(22, new Array<number>(40).fill(7));
const DATA = record(23, new Array<number>(30).fill(7));

function take(flight: ServerFlight, one: Uint8Array, hasFinished = false) {
	const length = flight.checkHeader(one.subarray(0, HEADER_BYTES));
	assert.equal(length, one.length - HEADER_BYTES);
	flight.checkBody(one, hasFinished);
}

const handshake = (...messages: readonly (readonly number[])[]) =>
	record(22, messages.flat());

/** All up to here, taken. */
function after(...records: readonly Uint8Array[]): ServerFlight {
	const flight = new ServerFlight();
	for (const one of records) take(flight, one, one === CIPHER);
	return flight;
}

const refuses = (
	one: Uint8Array,
	why: RegExp,
	flight = new ServerFlight(),
	hasFinished = false,
) => assert.throws(() => take(flight, one, hasFinished), why);

const FIRST = [HELLO, CERTIFICATE, KEY, DONE].map((one) => handshake(one));

describe("ServerFlight", () => {
	it("takes each message in a record of its own", () => {
		after(...FIRST, CIPHER, FINISHED, DATA, DATA);
	});

	it("takes all messages in one record, and a CertificateRequest", () => {
		after(handshake(HELLO, CERTIFICATE, KEY, REQUEST, DONE), CIPHER, FINISHED);
	});

	it("takes an RSA signature under its suite", () => {
		after(
			handshake(message(2, helloBody(0xc02f)), CERTIFICATE),
			handshake(message(12, keyBody([4, 1])), DONE),
		);
	});

	it("takes alerts at any time, in any version's record", () => {
		take(new ServerFlight(), record(21, [2, 70], 0x0301));
		take(after(...FIRST), record(21, [2, 40]));
		take(after(...FIRST, CIPHER), record(21, new Array<number>(26).fill(1)));
	});

	it("refuses every message that is not the next one", () => {
		const messages = [[0, 0, 0, 0], HELLO, CERTIFICATE, KEY, REQUEST, DONE];
		const others = [message(4, [0]), message(20, new Array(12).fill(0))];
		const ways = [[], [HELLO], [HELLO, CERTIFICATE], [HELLO, CERTIFICATE, KEY]];
		const next = [[HELLO], [CERTIFICATE], [KEY], [REQUEST, DONE]];
		for (const [index, way] of ways.entries())
			for (const one of [...messages, ...others])
				if (!next[index]?.includes(one))
					refuses(
						handshake(one),
						/out of sequence/,
						after(...way.map((done) => handshake(done))),
					);
	});

	it("refuses a second CertificateRequest", () => {
		refuses(handshake(HELLO, CERTIFICATE, KEY, REQUEST, REQUEST), /sequence/);
	});

	it("refuses to switch ciphers at every time but the right one", () => {
		for (let done = 0; done < FIRST.length; done++)
			refuses(CIPHER, /sequence/, after(...FIRST.slice(0, done)), true);
		refuses(CIPHER, /sequence/, after(...FIRST), false);
		refuses(CIPHER, /sequence/, after(...FIRST, CIPHER), true);
		refuses(record(20, [2]), /sequence/, after(...FIRST), true);
		refuses(record(20, [1, 1]), /length/, after(...FIRST), true);
	});

	it("refuses data before Finished, and handshakes after it", () => {
		for (let done = 0; done <= FIRST.length; done++)
			refuses(DATA, /before the handshake/, after(...FIRST.slice(0, done)));
		refuses(DATA, /before the handshake/, after(...FIRST, CIPHER));
		refuses(FINISHED, /sequence/, after(...FIRST, CIPHER, FINISHED));
	});

	it("refuses other versions in records and in ServerHello", () => {
		for (const version of [0x0300, 0x0301, 0x0302, 0x0304, 0x0203]) {
			refuses(record(22, HELLO, version), /TLS 1\.2/);
			refuses(handshake(message(2, helloBody(0xc02b, version))), /TLS 1\.2/);
		}
	});

	it("refuses suites and compression that were not offered", () => {
		for (const suite of [0, 0x2f, 0x9e, 0xc027, 0xc02c, 0xc030, 0x1301])
			refuses(handshake(message(2, helloBody(suite))), /suite/);
		refuses(handshake(message(2, helloBody(0xc02b, 0x0303, 1))), /compression/);
	});

	it("refuses every other hash and signature algorithm", () => {
		for (let hash = 0; hash < 256; hash++)
			for (const signature of [0, 1, 2, 3, 7, 255])
				if (hash !== 4 || signature !== 3)
					refuses(
						handshake(message(12, keyBody([hash, signature]))),
						/not signed as/,
						after(handshake(HELLO, CERTIFICATE)),
					);
	});

	it("refuses points that are none of P-256's", () => {
		const x = [...point.subarray(1, 33)];
		const zeros = new Array<number>(64).fill(0);
		for (const bad of [
			[0],
			[],
			[4],
			[2, ...x],
			[6, ...point.subarray(1)],
			[4, ...zeros],
			[4, ...x, ...x],
			[4, ...zeros.fill(255)],
			[...point, 0],
		])
			refuses(
				handshake(message(12, keyBody([4, 3], bad))),
				/point|length|signed/,
				after(handshake(HELLO, CERTIFICATE)),
			);
	});

	it("refuses lengths beyond what there may be before there is room made", () => {
		const header = (type: number, length: number) =>
			Uint8Array.from([type, 3, 3, ...u16(length)]);
		const flight = () => new ServerFlight();
		assert.equal(
			flight().checkHeader(header(22, HANDSHAKE_RECORD_BYTES_MAX)),
			HANDSHAKE_RECORD_BYTES_MAX,
		);
		for (const length of [0, 1, 3, HANDSHAKE_RECORD_BYTES_MAX + 1, 65535])
			assert.throws(() => flight().checkHeader(header(22, length)), /length/);
		const secure = after(...FIRST, CIPHER, FINISHED);
		assert.equal(secure.checkHeader(header(23, 16408)), 16408);
		for (const length of [0, 23, 16409, 65535])
			assert.throws(() => secure.checkHeader(header(23, length)), /length/);
		for (const length of [0, 1, 3, 26, 65535])
			assert.throws(() => flight().checkHeader(header(21, length)), /length/);
		for (const length of [0, 16, 39, 41, 65535])
			assert.throws(
				() => after(...FIRST, CIPHER).checkHeader(header(22, length)),
				/length/,
			);
	});

	it("refuses messages that go beyond their record, and ones cut off", () => {
		refuses(record(22, [2, 0, 0, 200, ...helloBody()]), /more than one record/);
		refuses(record(22, [...HELLO, 11, 0]), /cut off/);
		refuses(record(22, message(2, helloBody().slice(0, 36))), /cut off/);
		const longId = helloBody();
		longId[34] = 33;
		refuses(record(22, message(2, longId)), /cut off/);
		refuses(handshake(HELLO, CERTIFICATE, KEY, message(14, [0])), /body/);
	});

	it("takes nothing made up for a ServerHello, and ends by an Error", () => {
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 4, maxLength: 80 }), (bytes) => {
				fc.pre(bytes[0] !== 2);
				refuses(record(22, [...bytes]), /./);
			}),
		);
	});
});
