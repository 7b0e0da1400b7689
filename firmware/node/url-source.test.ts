import assert from "node:assert/strict";
import fc from "fast-check";
import { VirtualTimers } from "./fakes/virtual-timers.ts";
import type { Socket, SocketOptions } from "./socket.ts";
import type { RangeRequest, SourceReason } from "./update-ports.ts";
import { SILENCE_MS, UrlSource } from "./url-source.ts";

const FILE = Uint8Array.from({ length: 5000 }, (_, i) => i * 31);

/** A connection whose other side is the test. */
class FakeSocket implements Socket {
	readonly options: SocketOptions;
	sent = "";
	isClosed = false;
	#waiting: number[] = [];
	mostRead = 0;

	constructor(options: SocketOptions) {
		this.options = options;
	}

	read(count: number): Uint8Array {
		this.mostRead = Math.max(this.mostRead, count);
		return Uint8Array.from(this.#waiting.splice(0, count));
	}

	write(bytes: Uint8Array): number {
		assert.ok(!this.isClosed);
		this.sent += Buffer.from(bytes).toString("latin1");
		return 0;
	}

	close(): void {
		this.isClosed = true;
	}

	/** The other side sends; nothing of it is read from a closed one. */
	receive(data: string | Uint8Array): void {
		if (this.isClosed) return;
		this.#waiting.push(...Buffer.from(data));
		this.options.onReadable(this.#waiting.length);
	}
}

function setUp(url = "https://host.test:8443/image?sign=1") {
	const timers = new VirtualTimers();
	const sockets: FakeSocket[] = [];
	const source = new UrlSource(
		url,
		(options) => {
			const socket = new FakeSocket(options);
			sockets.push(socket);
			return socket;
		},
		timers,
	);
	const bytes: number[] = [];
	const failures: SourceReason[] = [];
	const got = { ended: 0, whenBytes: (): void => undefined };
	const fetch = (offset = 1000, length = 600): RangeRequest =>
		source.fetch(offset, length, {
			onBytes: (part) => {
				bytes.push(...part);
				got.whenBytes();
			},
			onEnd: () => {
				got.ended++;
			},
			onFailed: (reason) => void failures.push(reason),
		});
	const socket = (): FakeSocket => sockets.at(-1) as FakeSocket;
	return { timers, sockets, socket, fetch, bytes, failures, got };
}

const HEAD =
	"HTTP/1.1 206 Partial Content\r\nContent-Length: 600\r\nContent-Range: bytes 1000-1599/5000\r\n\r\n";
const BODY = FILE.subarray(1000, 1600);

describe("a file at an address", () => {
	it("is asked for by range, with what the address says", () => {
		const { fetch, socket, bytes, got, failures } = setUp();
		fetch();
		const { host, port, isSecure } = socket().options;
		assert.deepEqual([host, port, isSecure], ["host.test", 8443, true]);
		socket().options.onWritable(1000);
		assert.equal(
			socket().sent,
			"GET /image?sign=1 HTTP/1.1\r\nHost: host.test:8443\r\nRange: bytes=1000-1599\r\nConnection: close\r\n\r\n",
		);
		socket().receive(HEAD);
		socket().receive(BODY);
		assert.deepEqual(bytes, [...BODY]);
		assert.deepEqual([got.ended, failures], [1, []]);
		assert.ok(socket().isClosed);
	});

	it("is asked for in parts, where the address is longer than what the connection takes at once", () => {
		const { fetch, socket } = setUp(`http://h/${"x".repeat(2000)}`);
		fetch();
		for (let n = 0; n < 6; n++) socket().options.onWritable(400);
		assert.match(socket().sent, /^GET \/x{2000} HTTP\/1\.1\r\n.*\r\n\r\n$/s);
	});

	it("comes whole however it is cut, and no more is read at once than there is room for", () => {
		fc.assert(
			fc.property(
				fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 20 }),
				(parts) => {
					const { fetch, socket, bytes, got } = setUp();
					fetch();
					const all = Buffer.concat([Buffer.from(HEAD), BODY]);
					let at = 0;
					for (const length of [...parts, all.length]) {
						socket().receive(all.subarray(at, at + length));
						at += length;
					}
					assert.deepEqual(bytes, [...BODY]);
					assert.equal(got.ended, 1);
					assert.ok(socket().mostRead <= 512);
				},
			),
		);
	});

	for (const [what, head] of [
		["in capitals", HEAD.toUpperCase().replace("HTTP", "HTTP")],
		["with bare line feeds", HEAD.replaceAll("\r\n", "\n")],
		["without a length", HEAD.replace("Content-Length: 600\r\n", "")],
		["of unknown whole length", HEAD.replace("/5000", "/*")],
		[
			"behind one of 100",
			`HTTP/1.1 100 Continue\r\nContent-Length: 7\r\n\r\n${HEAD}`,
		],
		[
			"with long and strange lines",
			HEAD.replace(
				"\r\n\r\n",
				`\r\nx-long: ${"y".repeat(900)}\r\n:\r\nz\r\n\r\n`,
			),
		],
	] as const)
		it(`is taken from a head ${what}`, () => {
			const { fetch, socket, bytes, failures } = setUp();
			fetch();
			socket().receive(head);
			socket().receive(BODY);
			assert.deepEqual(failures, []);
			assert.deepEqual(bytes, [...BODY]);
		});

	it("is no more than was asked for, whatever follows", () => {
		const { fetch, socket, bytes, got } = setUp();
		fetch();
		socket().receive(HEAD);
		socket().receive(FILE.subarray(1000, 1900));
		assert.deepEqual(bytes, [...BODY]);
		assert.equal(got.ended, 1);
	});

	for (const [reason, head] of [
		["url_expired", "HTTP/1.1 403 Forbidden\r\n\r\n"],
		["url_expired", "HTTP/1.1 400 Bad Request\r\n\r\n"],
		["url_expired", "HTTP/1.1 401 Unauthorized\r\n\r\n"],
		["url_expired", "HTTP/1.0 410 Gone\r\n\r\n"],
		["not_found", "HTTP/1.1 404 Not Found\r\n\r\n"],
		["server_error", "HTTP/1.1 500 Internal Server Error\r\n\r\n"],
		["server_error", "HTTP/1.1 503 Slow Down\r\n\r\n"],
		["server_error", "HTTP/1.1 429 Too Many Requests\r\n\r\n"],
		["server_error", "HTTP/1.1 307 Temporary Redirect\r\nLocation: x\r\n\r\n"],
		["server_error", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
		["server_error", "HTTP/1.1 xyz\r\n\r\n"],
		["server_error", `HTTP/1.1 206 x\r\n${"a: b\r\n".repeat(4000)}`],
		["ranges_ignored", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"],
		["ranges_ignored", HEAD.replace(/Content-Range.*?\r\n/, "")],
		["ranges_ignored", HEAD.replace("1000-1599", "0-599")],
		["ranges_ignored", HEAD.replace("bytes 1000", "lines 1000")],
		["ranges_ignored", HEAD.replace("1000-1599/5000", "*/5000")],
		[
			"ranges_ignored",
			HEAD.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n"),
		],
		[
			"ranges_ignored",
			HEAD.replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n"),
		],
		["wrong_length", HEAD.replace("1599/5000", "1499/1500")],
		["wrong_length", HEAD.replace("Length: 600", "Length: 601")],
		["wrong_length", "HTTP/1.1 416 Range Not Satisfiable\r\n\r\n"],
	] as const)
		it(`fails by ${reason} where the answer begins with ${JSON.stringify(head.slice(0, 120))}`, () => {
			const { fetch, socket, failures, bytes, got } = setUp();
			fetch();
			socket().receive(head);
			socket().receive(BODY);
			assert.deepEqual(failures, [reason]);
			assert.deepEqual([bytes, got.ended], [[], 0]);
			assert.ok(socket().isClosed);
		});

	it("is lost with its connection, and by silence", () => {
		const lost = setUp();
		lost.fetch();
		lost.socket().receive(HEAD);
		lost.socket().receive(BODY.subarray(0, 100));
		lost.socket().options.onEnd("closed");
		assert.deepEqual(lost.failures, ["connection_lost"]);
		assert.deepEqual(lost.bytes, [...BODY.subarray(0, 100)]);
		const silent = setUp();
		silent.fetch();
		silent.timers.advance(SILENCE_MS - 1);
		silent.socket().receive(HEAD);
		silent.timers.advance(SILENCE_MS - 1);
		assert.deepEqual(silent.failures, []);
		silent.timers.advance(1);
		assert.deepEqual(silent.failures, ["connection_lost"]);
		assert.ok(silent.socket().isClosed);
	});

	it("is not to be found at what is no address", () => {
		const { timers, fetch, sockets, failures } = setUp("https://user@host/x");
		fetch();
		assert.deepEqual(failures, []);
		timers.advance(1);
		assert.deepEqual([failures, sockets.length], [["not_found"], 0]);
	});

	it("is handed over no more once it is cancelled, in the middle of it too", () => {
		const { timers, fetch, socket, bytes, got, failures } = setUp();
		const request = fetch();
		got.whenBytes = () => request.cancel();
		socket().receive(HEAD);
		socket().receive(BODY.subarray(0, 10));
		socket().receive(BODY.subarray(10));
		timers.advance(2 * SILENCE_MS);
		assert.deepEqual(bytes, [...BODY.subarray(0, 10)]);
		assert.deepEqual([got.ended, failures], [0, []]);
		assert.ok(socket().isClosed);
	});
});
