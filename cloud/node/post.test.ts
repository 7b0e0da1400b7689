import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { PostError } from "../core/alerts/http-post.ts";
import { mayCall } from "./addresses.ts";
import { HttpPeer } from "./fakes/http-peer.ts";
import { nodePost } from "./post.ts";

function isPostError(code: string): (error: unknown) => boolean {
	return (error) => error instanceof PostError && error.code === code;
}

const BODY = new TextEncoder().encode('{"hello":"ü"}');

describe("nodePost", () => {
	let peer: HttpPeer;
	const post = nodePost({ timeoutMs: 5_000, reach: "any" });

	beforeEach(async () => {
		peer = await new HttpPeer().listen();
	});
	afterEach(() => peer.close());

	function request(path = "/", host = "127.0.0.1") {
		return {
			url: new URL(`http://${host}:${peer.port}${path}`),
			headers: { "Content-Type": "application/json" },
			body: BODY,
		};
	}

	it("posts the body with its headers, and gives the status", async () => {
		const answer = await post(request("/hook?a=1"));
		assert.deepEqual(answer, { status: 204, retryAfterMs: null });
		const [got] = peer.requests;
		assert.deepEqual(
			[got?.method, got?.path, got?.headers["content-type"]],
			["POST", "/hook?a=1", "application/json"],
		);
		assert.deepEqual(new Uint8Array(got?.body ?? []), BODY);
	});

	it("reaches a host by its name", async () => {
		assert.equal((await post(request("/", "localhost"))).status, 204);
	});

	it("follows no redirect", async () => {
		peer.reply = ({ path }) =>
			path === "/"
				? { status: 307, headers: { Location: "/elsewhere" } }
				: { status: 200 };
		assert.equal((await post(request())).status, 307);
		assert.equal(peer.requests.length, 1);
	});

	for (const [value, expected] of [
		["120", 120_000],
		["0", 0],
		["99999999", 86_400_000],
		["Wed, 21 Oct 2015 07:28:00 GMT", 0],
		["soon", null],
		["-1", 0],
	] as const) {
		it(`reads Retry-After: ${value}`, async () => {
			peer.reply = () => ({ status: 503, headers: { "Retry-After": value } });
			assert.equal((await post(request())).retryAfterMs, expected);
		});
	}

	it("does not read a body that has no end", async () => {
		const sockets = new Set<Socket>();
		const server = createServer((socket) => {
			sockets.add(socket);
			socket.on("error", () => undefined);
			socket.write("HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n");
			const feed = (): void => {
				if (!socket.writable) return;
				socket.write(`10000\r\n${"x".repeat(65_536)}\r\n`, feed);
			};
			feed();
		}).listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		const answer = await post({
			...request(),
			url: new URL(`http://127.0.0.1:${port}/`),
		});
		assert.equal(answer.status, 500);
		for (const socket of sockets) socket.destroy();
		server.close();
	});

	it("gives up on a header that comes a byte at a time and never ends", async () => {
		const server = createServer((socket) => {
			socket.on("error", () => undefined);
			socket.write("HTTP/1.1 200 OK\r\nX: ");
			const timer = setInterval(() => socket.write("x"), 10);
			socket.on("close", () => clearInterval(timer));
		}).listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		await assert.rejects(
			nodePost({ timeoutMs: 150, reach: "any" })({
				...request(),
				url: new URL(`http://127.0.0.1:${port}/`),
			}),
			isPostError("timed_out"),
		);
		server.close();
	});

	it("says that nobody listens, and that there is no such host", async () => {
		const { port } = peer;
		await peer.close();
		for (const url of [
			`http://127.0.0.1:${port}/`,
			"http://nowhere.invalid/",
		]) {
			await assert.rejects(
				post({ ...request, headers: {}, body: BODY, url: new URL(url) }),
				isPostError("unreachable"),
			);
		}
	});

	it("takes an answer that is no HTTP for none", async () => {
		const server = createServer((socket) => {
			socket.on("error", () => undefined);
			socket.end("220 mail.example.org ESMTP\r\n");
		}).listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		await assert.rejects(
			post({ ...request(), url: new URL(`http://127.0.0.1:${port}/`) }),
			isPostError("unreachable"),
		);
		server.close();
	});

	for (const host of [
		"127.0.0.1",
		"localhost",
		"[::ffff:127.0.0.1]",
		"2130706433",
	]) {
		it(`does not call ${host} where only public addresses may be called`, async () => {
			await assert.rejects(
				nodePost({ timeoutMs: 5_000, reach: "public" })(request("/", host)),
				isPostError("address_refused"),
			);
			assert.deepEqual(peer.requests, []);
		});
	}

	it("never calls where clouds keep their machines' credentials", async () => {
		await assert.rejects(
			post({ ...request(), url: new URL("http://169.254.169.254/latest") }),
			isPostError("address_refused"),
		);
	});
});

describe("mayCall", () => {
	for (const address of [
		"0.0.0.0",
		"169.254.169.254",
		"169.254.170.2",
		"224.0.0.1",
		"255.255.255.255",
		"::",
		"fe80::1",
		"ff02::1",
		"fd00:ec2::254",
		"::ffff:169.254.169.254",
		"::ffff:a9fe:a9fe",
	]) {
		it(`never lets ${address} be called`, () => {
			assert.deepEqual(
				[mayCall(address, "any"), mayCall(address, "public")],
				[false, false],
			);
		});
	}

	for (const address of [
		"10.1.2.3",
		"100.64.0.1",
		"127.0.0.1",
		"172.31.255.255",
		"192.168.178.20",
		"::1",
		"fd12::1",
		"::ffff:192.168.0.1",
		"64:ff9b::c0a8:1",
	]) {
		it(`lets ${address} be called from one machine, not from AWS`, () => {
			assert.deepEqual(
				[mayCall(address, "any"), mayCall(address, "public")],
				[true, false],
			);
		});
	}

	for (const address of ["93.184.216.34", "172.32.0.1", "2606:4700::1111"]) {
		it(`lets ${address} be called`, () => {
			assert.equal(mayCall(address, "public"), true);
		});
	}
});
