import assert from "node:assert/strict";
import { Access } from "../core/access.ts";
import { memoryGrants } from "../core/fakes/memory-grants.ts";
import { StoreError } from "../core/ports.ts";
import { fakeCloud, NOW, problemOf } from "./fakes/fake-cloud.ts";

/** Reads a stream until it has shown what is waited for, or ends. */
class StreamReader {
	readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
	readonly #decoder = new TextDecoder();
	text = "";
	isEnded = false;

	constructor(response: Response) {
		assert.ok(response.body);
		this.#reader = response.body.getReader();
	}

	async until(wanted: string): Promise<string> {
		while (!this.text.includes(wanted) && !this.isEnded) {
			const { value, done } = await this.#reader.read();
			this.isEnded = done;
			this.text += this.#decoder.decode(value, { stream: true });
		}
		assert.ok(this.text.includes(wanted), `${wanted} is not in ${this.text}`);
		return this.text;
	}

	async untilEnd(): Promise<string> {
		while (!this.isEnded) {
			const { value, done } = await this.#reader.read();
			this.isEnded = done;
			this.text += this.#decoder.decode(value, { stream: true });
		}
		return this.text;
	}

	leave(): Promise<void> {
		return this.#reader.cancel();
	}
}

const live = (thing: string, ...bytes: number[]) =>
	({ type: "live", thing, bytes: Uint8Array.from(bytes) }) as const;

describe("GET /v1/live", () => {
	it("answers HEAD without listening to anything", async () => {
		const cloud = fakeCloud();
		const response = await cloud.get("/v1/live", { method: "HEAD" });
		assert.equal(response.status, 200);
		assert.equal(
			response.headers.get("content-type"),
			"text/event-stream; charset=utf-8",
		);
		assert.equal(response.body, null);
		assert.equal(cloud.hub.listeners.size, 0);
	});

	it("listens from the first read on, and misses nothing between what is recent and what is new", async () => {
		const cloud = fakeCloud();
		const response = await cloud.get("/v1/live?device=boiler");
		assert.equal(cloud.hub.listeners.size, 0);
		// It comes between the answer and the first read.
		cloud.hub.kept.set("boiler", [Uint8Array.of(1)]);
		cloud.hub.publish(live("boiler", 1));
		const stream = new StreamReader(response);
		await stream.until("event: ready");
		assert.equal(stream.text.split('"block":"AQ=="').length, 2);
		assert.equal(cloud.hub.listeners.size, 1);
		await stream.leave();
		assert.equal(cloud.hub.listeners.size, 0);
	});

	it("sends what is recent, then that it is ready, then what happens", async () => {
		const cloud = fakeCloud();
		cloud.hub.kept.set("boiler", [Uint8Array.of(1), Uint8Array.of(2)]);
		const response = await cloud.get("/v1/live?device=boiler");
		assert.equal(
			response.headers.get("content-type"),
			"text/event-stream; charset=utf-8",
		);
		const stream = new StreamReader(response);
		await stream.until("event: ready");
		cloud.hub.publish(live("boiler", 3));
		cloud.hub.publish({
			type: "block",
			thing: "boiler",
			startMs: NOW,
			spanMs: 300_000,
		});
		cloud.hub.publish({
			type: "block",
			thing: "boiler",
			startMs: null,
			spanMs: 1,
		});
		cloud.hub.publish({
			type: "device",
			thing: "boiler",
			online: false,
			lastSeenMs: NOW,
		});
		await stream.until("event: device\n");
		await stream.until('"lastSeen":"2026-03-01T12:00:00.000Z"}\n\n');
		await stream.leave();
		assert.equal(
			stream.text,
			[
				"retry: 2000\n: connected",
				'event: live\ndata: {"device":"boiler","block":"AQ=="}',
				'event: live\ndata: {"device":"boiler","block":"Ag=="}',
				"event: ready\ndata: {}",
				'event: live\ndata: {"device":"boiler","block":"Aw=="}',
				'event: block\ndata: {"device":"boiler","start":"2026-03-01T12:00:00.000Z","spanMs":300000}',
				'event: block\ndata: {"device":"boiler","start":null,"spanMs":1}',
				'event: device\ndata: {"device":"boiler","online":false,"lastSeen":"2026-03-01T12:00:00.000Z"}',
				"",
			].join("\n\n"),
		);
	});

	it("sends nothing twice when something happens while the recent is being sent", async () => {
		const cloud = fakeCloud();
		cloud.hub.kept.set("boiler", [Uint8Array.of(1)]);
		const response = await cloud.get("/v1/live");
		cloud.hub.kept.get("boiler")?.push(Uint8Array.of(2));
		cloud.hub.publish(live("boiler", 2));
		const stream = new StreamReader(response);
		await stream.until('"Ag=="');
		await stream.leave();
		assert.equal(stream.text.split('"AQ=="').length, 2);
		assert.equal(stream.text.split('"Ag=="').length, 2);
	});

	it("tells of the devices asked for and of no other", async () => {
		const cloud = fakeCloud();
		const stream = new StreamReader(await cloud.get("/v1/live?device=new"));
		await stream.until("event: ready");
		cloud.hub.publish(live("boiler", 1));
		cloud.hub.publish(live("new", 2));
		const text = await stream.until('"Ag=="');
		assert.doesNotMatch(text, /boiler/);
		await stream.leave();
	});

	it("sends as much of what is recent as is asked for", async () => {
		const cloud = fakeCloud();
		cloud.hub.kept.set(
			"boiler",
			[1, 2, 3].map((byte) => Uint8Array.of(byte)),
		);
		const stream = new StreamReader(await cloud.get("/v1/live?recent=1"));
		const text = await stream.until("event: ready");
		assert.equal(text.match(/event: live/g)?.length, 1);
		assert.match(text, /"Aw=="/);
		await stream.leave();
	});

	it("stops listening when the client leaves", async () => {
		const cloud = fakeCloud();
		const stream = new StreamReader(await cloud.get("/v1/live"));
		await stream.until("ready");
		assert.equal(cloud.hub.listeners.size, 1);
		await stream.leave();
		assert.equal(cloud.hub.listeners.size, 0);
	});

	it("says that it is alive when nothing happens", async () => {
		const cloud = fakeCloud({ heartbeatMs: 5 });
		const stream = new StreamReader(await cloud.get("/v1/live"));
		await stream.until(": alive\n\n: alive\n\n");
		await stream.leave();
	});

	it("ends with the session", async () => {
		const cloud = fakeCloud({ heartbeatMs: 5 });
		const stream = new StreamReader(await cloud.get("/v1/live"));
		await stream.until(": alive");
		cloud.clock.now += 60_000;
		await stream.untilEnd();
		assert.equal(cloud.hub.listeners.size, 0);
	});

	it("tells a viewer of no device but theirs, neither of what is recent nor of what happens", async () => {
		const cloud = fakeCloud();
		cloud.hub.kept.set("new", [Uint8Array.of(9)]);
		const stream = new StreamReader(await cloud.getAs("viewer", "/v1/live"));
		await stream.until("event: ready");
		cloud.hub.publish(live("new", 9));
		cloud.hub.publish(live("boiler", 2));
		const text = await stream.until('"Ag=="');
		assert.doesNotMatch(text, /new|CQ==/);
		await stream.leave();
	});

	it("goes by what is shared with a viewer while they look on", async () => {
		const cloud = fakeCloud({ heartbeatMs: 5 });
		const stream = new StreamReader(await cloud.getAs("viewer", "/v1/live"));
		await stream.until("event: ready");
		await cloud.grants.revoke("viewer", "boiler");
		await cloud.grants.grant("viewer", "new");
		await stream.until(": alive");
		cloud.hub.publish(live("boiler", 1));
		cloud.hub.publish(live("new", 2));
		const text = await stream.until('"Ag=="');
		assert.doesNotMatch(text, /AQ==/);
		await stream.leave();
	});

	it("ends when whoever looks on is removed", async () => {
		const cloud = fakeCloud({ heartbeatMs: 5 });
		const stream = new StreamReader(await cloud.getAs("viewer", "/v1/live"));
		await stream.until(": alive");
		cloud.removePerson("viewer");
		await stream.untilEnd();
		assert.equal(cloud.hub.listeners.size, 0);
		assert.deepEqual(cloud.errors, []);
	});

	it("ends, and says why to whoever runs it, when it cannot be found out who may see what", async () => {
		const grants = memoryGrants();
		let looks = 0;
		const broken = new StoreError("unavailable", "The store is gone.");
		const cloud = fakeCloud({
			heartbeatMs: 5,
			access: new Access({
				...grants,
				async devicesOf(subject) {
					if (++looks > 2) throw broken;
					return grants.devicesOf(subject);
				},
			}),
		});
		const stream = new StreamReader(await cloud.getAs("viewer", "/v1/live"));
		await stream.until(": alive");
		await stream.untilEnd();
		assert.deepEqual(cloud.errors, [broken]);
	});

	it("cuts off a client that does not read, instead of keeping everything for it", async () => {
		const cloud = fakeCloud({ liveBufferBytes: 1_000 });
		const stream = new StreamReader(await cloud.get("/v1/live"));
		await stream.until("ready");
		for (let i = 0; i < 100; i++) cloud.hub.publish(live("boiler", 7));
		assert.equal(cloud.hub.listeners.size, 0);
		await stream.untilEnd();
		assert.ok(stream.text.length < 2_000, `${stream.text.length} characters`);
	});

	for (const [query, status] of [
		["device=kettle", 404],
		["device=a/b", 400],
		["device=", 400],
		["recent=601", 400],
		["since=now", 400],
	] as const) {
		it(`answers ${status} to ?${query}, and listens to nothing`, async () => {
			const cloud = fakeCloud();
			const response = await cloud.get(`/v1/live?${query}`);
			assert.equal(response.status, status);
			await problemOf(response);
			assert.equal(cloud.hub.listeners.size, 0);
		});
	}
});
