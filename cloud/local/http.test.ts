import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { HttpListenError, type HttpServer, startHttp } from "./http.ts";

describe("startHttp", () => {
	let dir = "";
	let server: HttpServer;
	let cancelled: Promise<void>;

	let slow: { asked: Promise<void>; answer: () => void };

	beforeEach(async () => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-http-"));
		mkdirSync(join(dir, "web"));
		writeFileSync(join(dir, "secret"), "not for the web");
		writeFileSync(join(dir, "web", "index.html"), "<h1>page</h1>");
		writeFileSync(join(dir, "web", "app-ABCDEFGH.js"), "1");
		const app = new Hono();
		app.get("/v1/hello", (c) => c.text("hello"));
		let asked: () => void;
		let answer: () => void;
		const answered = new Promise<void>((resolve) => {
			answer = resolve;
		});
		slow = {
			asked: new Promise((resolve) => {
				asked = resolve;
			}),
			answer: () => answer(),
		};
		app.get("/v1/slow", async (c) => {
			asked();
			await answered;
			return c.text("slow");
		});
		let cancel: () => void;
		cancelled = new Promise((resolve) => {
			cancel = resolve;
		});
		app.get("/v1/live", (c) => {
			const stream = new ReadableStream<Uint8Array>({
				start: (controller) => controller.enqueue(Buffer.from(": hi\n\n")),
				cancel: () => cancel(),
			});
			return c.body(stream, 200, { "Content-Type": "text/event-stream" });
		});
		server = await startHttp({
			app,
			webDir: join(dir, "web"),
			host: "127.0.0.1",
			port: 0,
		});
	});

	afterEach(async () => {
		await server.close();
		rmSync(dir, { recursive: true });
	});

	it("serves the API", async () => {
		const response = await fetch(`${server.url}/v1/hello`);
		assert.equal(await response.text(), "hello");
	});

	it("serves the page at /, with a policy that allows nothing inline", async () => {
		const response = await fetch(server.url);
		assert.equal(await response.text(), "<h1>page</h1>");
		assert.equal(
			response.headers.get("content-type"),
			"text/html; charset=utf-8",
		);
		const policy = response.headers.get("content-security-policy") ?? "";
		assert.match(policy, /script-src 'self'/);
		assert.doesNotMatch(policy, /unsafe/);
		assert.equal(response.headers.get("cache-control"), "no-cache");
	});

	it("lets browsers keep files named by their content for ever", async () => {
		const response = await fetch(`${server.url}/app-ABCDEFGH.js`);
		assert.match(response.headers.get("cache-control") ?? "", /immutable/);
	});

	it("answers 304 to those who have the file", async () => {
		const first = await fetch(server.url);
		const etag = first.headers.get("etag") ?? "";
		const second = await fetch(server.url, {
			headers: { "If-None-Match": etag },
		});
		assert.equal(second.status, 304);
		assert.equal(await second.text(), "");
	});

	it("answers HEAD without a body", async () => {
		const response = await fetch(server.url, { method: "HEAD" });
		assert.equal(response.status, 200);
		assert.equal(await response.text(), "");
	});

	for (const path of ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/x"]) {
		it(`has nothing at ${path}`, async () => {
			// `fetch` would tidy the path up before it is sent.
			const { port } = server;
			const sent = request({ host: "127.0.0.1", port, path }).end();
			const [response] = await once(sent, "response");
			response.resume();
			assert.equal(response.statusCode, 404);
		});
	}

	it("tells a stream that its client has left", async () => {
		const controller = new AbortController();
		const response = await fetch(`${server.url}/v1/live`, {
			signal: controller.signal,
		});
		await response.body?.getReader().read();
		controller.abort();
		await cancelled;
	});

	it("ends live streams at once when it closes", async () => {
		const response = await fetch(`${server.url}/v1/live`);
		const reader = response.body?.getReader();
		await reader?.read();
		const startedMs = performance.now();
		await Promise.all([
			server.close(),
			cancelled,
			assert.rejects(async () => reader?.read()),
		]);
		assert.ok(performance.now() - startedMs < 1_000);
	});

	it("does not wait for a connection that nobody has used yet", async () => {
		const socket = connect(server.port, "127.0.0.1");
		await once(socket, "connect");
		const startedMs = performance.now();
		await Promise.all([server.close(), once(socket, "close")]);
		assert.ok(performance.now() - startedMs < 1_000);
	});

	it("finishes an answer that is under way when it closes", async () => {
		const answer = fetch(`${server.url}/v1/slow`);
		await slow.asked;
		const closed = server.close();
		slow.answer();
		assert.equal(await (await answer).text(), "slow");
		await closed;
	});

	it("says which port is in use, and how to choose another", async () => {
		await assert.rejects(
			startHttp({
				app: new Hono(),
				webDir: null,
				host: "127.0.0.1",
				port: server.port,
			}),
			(error) =>
				error instanceof HttpListenError &&
				error.code === "port_in_use" &&
				error.message.includes(`${server.port}`) &&
				error.message.includes("--http-port"),
		);
	});

	it("says when the address is not of this machine", async () => {
		await assert.rejects(
			startHttp({
				app: new Hono(),
				webDir: null,
				host: "192.0.2.1",
				port: 0,
			}),
			(error) =>
				error instanceof HttpListenError && error.code === "bad_address",
		);
	});
});
