/** An image by https: the node's source of ranges on the virtual board's network, over TLS, from a server that answers as S3 does. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { VirtualTimers } from "../../node/fakes/virtual-timers.ts";
import type { Connect, SocketOptions } from "../../node/socket.ts";
import { UrlSource } from "../../node/url-source.ts";
import { VirtualClock } from "./peripherals/clock.ts";
import { type Credentials, VirtualNetwork } from "./peripherals/network.ts";
import { TestAuthority } from "./testing/certificates.ts";
import type { TurnEvent } from "./wire.ts";

const IMAGE = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 7) % 251);

/** The board's sockets, without a machine between. */
function connectBy(credentials: Credentials | undefined): Connect {
	const open = new Map<number, SocketOptions>();
	const clock = new VirtualClock({ kind: "stepped", startWallMs: Date.now() });
	const network = new VirtualNetwork(clock, credentials, (event) => {
		// In a turn of its own, as a machine has it.
		queueMicrotask(() => dispatch(event));
	});
	const dispatch = (event: TurnEvent): void => {
		if (event.op === "socket_readable")
			open.get(event.socket)?.onReadable(event.count);
		else if (event.op === "socket_writable")
			open.get(event.socket)?.onWritable(event.count);
		else if (event.op === "socket_end") {
			const options = open.get(event.socket);
			open.delete(event.socket);
			options?.onEnd(event.reason);
		}
	};
	let last = 0;
	return (options) => {
		const socket = ++last;
		open.set(socket, options);
		network.connectSocket(socket, options);
		return {
			read: (count) => network.readSocket(socket, count),
			write: (bytes) => network.writeSocket(socket, bytes),
			close() {
				open.delete(socket);
				network.closeSocket(socket);
			},
		};
	};
}

describe("An image by https", () => {
	let authority: TestAuthority;
	let board: Credentials;
	let server: Server;
	/** What each request asked for, and by which version of TLS. */
	let asked: string[];
	let ranges: (string | undefined)[];
	/** In place of the range; null for that. */
	let status: 200 | 403 | null;

	before(async () => {
		authority = await TestAuthority.create("Authority");
		board = await authority.issue("porch");
		const { certificate: cert, privateKey: key } =
			await authority.issue("server");
		server = createServer({ cert, key }, (request, response) => {
			const { url = "", headers, socket } = request;
			asked.push(url);
			ranges.push(headers.range);
			assert.ok("encrypted" in socket && socket.encrypted === true);
			if (status !== null) {
				response.writeHead(status).end(status === 200 ? IMAGE : "<Error/>");
				return;
			}
			const [, first = "0", last = "0"] =
				/^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
			const end = Math.min(Number(last) + 1, IMAGE.length);
			response.writeHead(206, {
				"content-range": `bytes ${first}-${end - 1}/${IMAGE.length}`,
				"content-length": end - Number(first),
			});
			response.end(IMAGE.subarray(Number(first), end));
		});
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
	});

	beforeEach(() => {
		asked = [];
		ranges = [];
		status = null;
	});

	after(() => {
		server.close();
		server.closeAllConnections();
	});

	function sourceFor(credentials: Credentials | undefined): UrlSource {
		const { port } = server.address() as AddressInfo;
		const url = `https://127.0.0.1:${port}/image?X-Amz-Security-Token=${"t".repeat(2000)}`;
		return new UrlSource(url, connectBy(credentials), new VirtualTimers());
	}

	/** What came of a range, and why no more did. */
	function fetchRange(
		source: UrlSource,
		offset: number,
		lengthBytes: number,
	): Promise<{ bytes: Buffer; reason: string | null }> {
		return new Promise((resolve) => {
			const parts: Buffer[] = [];
			const end = (reason: string | null) =>
				resolve({ bytes: Buffer.concat(parts), reason });
			source.fetch(offset, lengthBytes, {
				// They are good until this returns.
				onBytes: (bytes) => void parts.push(Buffer.from(bytes)),
				onEnd: () => end(null),
				onFailed: end,
			});
		});
	}

	it("comes whole, range after range, each over a connection of its own", async () => {
		const source = sourceFor(board);
		const parts: Buffer[] = [];
		for (let at = 0; at < IMAGE.length; at += source.rangeBytes) {
			const length = Math.min(source.rangeBytes, IMAGE.length - at);
			const { bytes, reason } = await fetchRange(source, at, length);
			assert.equal(reason, null);
			parts.push(bytes);
		}
		assert.ok(Buffer.concat(parts).equals(IMAGE));
		assert.deepEqual(ranges, [
			"bytes=0-131071",
			"bytes=131072-262143",
			"bytes=262144-299999",
		]);
		// An address as long as AWS's are is asked for as it is.
		assert.ok(asked.every((url) => url.length > 2000));
	});

	it("begins where it was cut off", async () => {
		const { bytes } = await fetchRange(sourceFor(board), 200_001, 5000);
		assert.ok(bytes.equals(IMAGE.subarray(200_001, 205_001)));
	});

	for (const [what, answer, name] of [
		["an address that has expired", 403, "url_expired"],
		["a server that ignores ranges", 200, "ranges_ignored"],
	] as const) {
		it(`fails as ${name} by ${what}`, async () => {
			status = answer;
			const { bytes, reason } = await fetchRange(sourceFor(board), 10, 500);
			assert.equal(reason, name);
			assert.equal(bytes.length, 0);
		});
	}

	it("is not asked for from a server whose certificate the board does not trust", async () => {
		const other = await TestAuthority.create("Authority");
		for (const credentials of [await other.issue("porch"), undefined]) {
			const { reason } = await fetchRange(sourceFor(credentials), 0, 500);
			assert.equal(reason, "connection_lost");
		}
		assert.deepEqual(asked, []);
	});
});
