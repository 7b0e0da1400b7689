import assert from "node:assert/strict";
import { Hono } from "hono";
import { runtimeContract } from "../api/contracts/runtime.ts";
import { BOILER, fakeCloud, NOW, problemOf } from "../api/fakes/fake-cloud.ts";
import { fetchByLambda, httpEvent } from "./fakes/http-event.ts";
import { httpHandler, MAX_RESULT_BYTES } from "./lambda-http.ts";

const URL_OF_API = "https://abcde12345.execute-api.eu-central-1.amazonaws.com";

runtimeContract("Lambda", async (app) => ({
	url: URL_OF_API,
	fetch: fetchByLambda(httpHandler(app)),
	close: () => Promise.resolve(),
}));

describe("an HTTP API's function", () => {
	function answer(body: string | Uint8Array<ArrayBuffer>, type: string) {
		const app = new Hono();
		app.get("/", (c) => c.body(body, 200, { "Content-Type": type }));
		return fetchByLambda(httpHandler(app))(new Request(`${URL_OF_API}/`));
	}

	it("encodes what is not text, and only that", async () => {
		const handler = httpHandler(fakeCloud().app);
		const event = async (path: string) =>
			handler(
				await httpEvent(
					new Request(`${URL_OF_API}${path}`, {
						headers: { Authorization: "Bearer good" },
					}),
				),
			);
		const blocks = await event("/v1/devices/boiler/blocks");
		assert.equal(blocks.isBase64Encoded, true);
		for (const path of ["/v1/devices", "/v1/nothing", "/v1/openapi.json"]) {
			assert.equal((await event(path)).isBase64Encoded, false, path);
		}
	});

	it("sends as much as Lambda lets it, and says so where it is more", async () => {
		const binary = new Uint8Array((MAX_RESULT_BYTES * 3) / 4 - 1_000);
		const whole = await answer(binary, "application/octet-stream");
		assert.equal((await whole.arrayBuffer()).byteLength, binary.length);
		const more = await answer(
			new Uint8Array((MAX_RESULT_BYTES * 3) / 4 + 1_000),
			"application/octet-stream",
		);
		assert.equal(more.status, 400);
		const problem = await problemOf(more);
		assert.equal(problem.type, "/problems/range_too_wide");
		assert.match(problem.detail, /6 MB/);
	});

	it("gives the app the request as it was sent, cookies and bytes included", async () => {
		const app = new Hono();
		app.post("/echo", async (c) =>
			c.json({
				url: c.req.url,
				cookie: c.req.header("cookie"),
				header: c.req.header("x-some"),
				bytes: [...new Uint8Array(await c.req.arrayBuffer())],
			}),
		);
		const response = await fetchByLambda(httpHandler(app))(
			new Request(`${URL_OF_API}/echo?a=%20&b`, {
				method: "POST",
				headers: {
					Cookie: "one=1; two=2",
					"X-Some": "thing",
					"Content-Type": "application/octet-stream",
				},
				body: Uint8Array.of(0, 0x80, 0xff),
			}),
		);
		assert.deepEqual(await response.json(), {
			url: `${URL_OF_API}/echo?a=%20&b`,
			cookie: "one=1; two=2",
			header: "thing",
			bytes: [0, 0x80, 0xff],
		});
	});

	it("answers what no request can be made of, and passes over the body of a GET", async () => {
		const handler = httpHandler(fakeCloud().app);
		const event = await httpEvent(new Request(`${URL_OF_API}/v1/health`));
		const withBody = await handler({ ...event, body: "x" });
		assert.equal(withBody.statusCode, 200);
		const withHeader = await handler({
			...event,
			headers: { ...event.headers, "x-some": "\u2603" },
		});
		assert.equal(withHeader.statusCode, 400);
		const problem = JSON.parse(withHeader.body ?? "");
		assert.equal(problem.type, "/problems/invalid_request");
		assert.equal(problem.instance, "/v1/health");
	});

	it("counts what escaping adds to text", async () => {
		const text = await answer('"'.repeat(3_200_000), "application/json");
		assert.equal(text.status, 400);
		const plain = await answer("x".repeat(3_200_000), "application/json");
		assert.equal(plain.status, 200);
	});

	it("has room for the largest answers that the API gives", async () => {
		const channels = Array.from({ length: 32 }, (_, i) => ({
			id: `health.${"x".repeat(20)}_${i}`,
			unit: "mm³/m²",
			exponent: -9,
			kind: "counter" as const,
		}));
		const devices = Array.from({ length: 1_100 }, (_, i) => ({
			...BOILER,
			name: `${"n".repeat(60)}-${i}`,
			channels,
		}));
		const cloud = fakeCloud({
			devices: { list: async () => devices, get: async () => devices[0]! },
		});
		const column = new Array<number>(40_000 / 32).fill(
			-1.2345678901234567e-100,
		);
		const columns = {
			...{ unit: "mm³/m²", kind: "counter" as const, count: column },
			...{ mean: column, min: column, max: column, sum: column },
		};
		cloud.aggregate = {
			everyMs: 60_000,
			bucketsMs: column.map((_, i) => NOW + i * 60_000),
			channels: Object.fromEntries(channels.map(({ id }) => [id, columns])),
			unreadable: 0,
		};
		cloud.blocks = {
			blocks: Array.from({ length: 800 }, () => ({
				bytes: new Uint8Array(5_000),
				startMs: NOW,
				spanMs: 1,
				estimated: false,
			})),
			next: "1",
		};
		cloud.deadLetters = Array.from({ length: 32 }, (_, id) => ({
			...{ id: 32 - id, thing: "boiler", topic: "t", reason: "bad_magic" },
			...{ detail: "", receivedMs: NOW, bytes: new Uint8Array(128 * 1024) },
		}));
		const fetch = fetchByLambda(httpHandler(cloud.app));
		const day = "from=2026-02-28T15:10:00Z";
		for (const path of [
			"/v1/devices",
			`/v1/devices/x/aggregate?every=1m&${day}`,
			"/v1/devices/x/blocks?limit=1000",
			"/v1/deadletters?limit=500",
		]) {
			const headers = { Authorization: "Bearer good" };
			const response = await fetch(new Request(URL_OF_API + path, { headers }));
			assert.equal(response.status, 200, path);
			assert.ok((await response.arrayBuffer()).byteLength > 3_000_000, path);
		}
	});

	it("tells who wants a stream to ask again instead", async () => {
		const { app } = fakeCloud({ hub: null });
		const response = await fetchByLambda(httpHandler(app))(
			new Request(`${URL_OF_API}/v1/live`, {
				headers: { Authorization: "Bearer good" },
			}),
		);
		assert.equal(response.status, 501);
		const problem = await problemOf(response);
		assert.equal(problem.type, "/problems/not_streamed");
		assert.match(problem.detail, /ask again every few seconds/);
	});
});
