import assert from "node:assert/strict";
import { deadLetters, redrive } from "./deadletters.ts";

/** Has letters `count` to 1, and gives at most `perPage` at once. */
class FakeApi {
	readonly asked: string[] = [];
	readonly #count: number;
	readonly #perPage: number;

	constructor(count: number, perPage: number) {
		this.#count = count;
		this.#perPage = perPage;
	}

	async get(path: string): Promise<Response> {
		this.asked.push(path);
		const query = new URL(path, "http://x").searchParams;
		const first = Number(query.get("cursor") ?? this.#count + 1) - 1;
		const size = Math.min(Number(query.get("limit")), this.#perPage, first);
		const ids = Array.from({ length: size }, (_, i) => first - i);
		const last = first - size + 1;
		return Response.json({
			deadLetters: ids.map((id) => ({ id })),
			next: last > 1 ? String(last) : null,
		});
	}
}

async function ids(api: FakeApi, count: number, device?: string) {
	const found: number[] = [];
	for await (const { id } of deadLetters(api, count, device)) found.push(id);
	return found;
}

describe("thinghz deadletters", () => {
	it("reaches beyond what the API gives at once", async () => {
		const api = new FakeApi(1234, 500);
		const all = await ids(api, 100_000);
		assert.deepEqual(
			all,
			Array.from({ length: 1234 }, (_, i) => 1234 - i),
		);
		assert.deepEqual(api.asked, [
			"/v1/deadletters?limit=500",
			"/v1/deadletters?limit=500&cursor=735",
			"/v1/deadletters?limit=500&cursor=235",
		]);
	});

	it("gives as many as were asked for, also where the API gives fewer at once", async () => {
		assert.deepEqual(await ids(new FakeApi(10, 3), 4), [10, 9, 8, 7]);
		assert.deepEqual(await ids(new FakeApi(2, 3), 4), [2, 1]);
		assert.deepEqual(await ids(new FakeApi(0, 3), 4), []);
	});

	it("asks for one device's alone on every page", async () => {
		const api = new FakeApi(5, 3);
		await ids(api, 5, "boiler");
		assert.deepEqual(api.asked, [
			"/v1/deadletters?limit=5&device=boiler",
			"/v1/deadletters?limit=2&device=boiler&cursor=3",
		]);
	});
});

describe("thinghz deadletters --redrive", () => {
	/** Answers with one page after the other. */
	function apiOf(...pages: readonly unknown[]) {
		const asked: unknown[] = [];
		return {
			asked,
			async send(method: string, path: string, body: unknown) {
				assert.equal(method, "POST");
				assert.equal(path, "/v1/deadletters/redrive");
				asked.push(body);
				return Response.json(pages[asked.length - 1]);
			},
		};
	}

	it("goes on until all have been tried, and adds up", async () => {
		const api = apiOf(
			{ taken: 300, kept: 200, next: "40", queue: "started" },
			{ taken: 0, kept: 500, next: "9", queue: null },
			{ taken: 3, kept: 0, next: null, queue: null },
		);
		assert.deepEqual(await redrive(api, {}), {
			taken: 303,
			kept: 700,
			queue: "started",
		});
		assert.deepEqual(api.asked, [
			{ limit: 500 },
			{ limit: 500, cursor: "40" },
			{ limit: 500, cursor: "9" },
		]);
	});

	it("asks for one device's and one reason's alone on every page", async () => {
		const api = apiOf(
			{ taken: 1, kept: 0, next: "7", queue: null },
			{ taken: 1, kept: 0, next: null, queue: null },
		);
		const only = { device: "boiler", reason: "bad_values" };
		await redrive(api, only);
		assert.deepEqual(api.asked, [
			{ limit: 500, ...only },
			{ limit: 500, ...only, cursor: "7" },
		]);
	});
});
