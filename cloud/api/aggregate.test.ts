import assert from "node:assert/strict";
import { BOILER, fakeCloud, NOW, problemOf } from "./fakes/fake-cloud.ts";

const PATH = "/v1/devices/boiler/aggregate";

describe("GET /v1/devices/{name}/aggregate", () => {
	it("gives the columns of the channels asked for", async () => {
		const cloud = fakeCloud();
		cloud.aggregate = {
			everyMs: 60_000,
			unreadable: 2,
			bucketsMs: [NOW - 60_000],
			channels: {
				energy: {
					unit: "Wh",
					kind: "counter",
					count: [60],
					mean: [5],
					min: [4],
					max: [6],
					sum: [2],
				},
			},
		};
		const response = await cloud.get(
			`${PATH}?channels=energy&every=1m&from=2026-03-01T11:59:00Z`,
		);
		assert.equal(response.status, 200);
		assert.deepEqual(await response.json(), {
			device: "boiler",
			...cloud.aggregate,
		});
		assert.deepEqual(cloud.asked, [
			{
				thing: "boiler",
				channels: ["energy"],
				fromMs: NOW - 60_000,
				toMs: NOW,
				everyMs: 60_000,
			},
		]);
	});

	it("takes every channel of the device when none is named, and each once", async () => {
		const cloud = fakeCloud();
		await cloud.get(`${PATH}?every=1m`);
		await cloud.get(`${PATH}?every=1m&channels=energy,energy`);
		assert.deepEqual(
			cloud.asked.map((query) => (query as { channels: string[] }).channels),
			[["temperature", "energy"], ["energy"]],
		);
	});

	it("refuses more buckets of more channels than an answer can hold", async () => {
		const cloud = fakeCloud();
		const channels = Array.from({ length: 5 }, (_, i) => `c${i}`);
		const device = {
			...BOILER,
			channels: channels.map((id) => ({ ...BOILER.channels[0]!, id })),
		};
		const wide = fakeCloud({
			devices: { list: async () => [device], get: async () => device },
		});
		const query = "every=1m&from=2026-02-23T12:00:00Z";
		assert.equal((await cloud.get(`${PATH}?${query}`)).status, 200);
		const response = await wide.get(`${PATH}?${query}`);
		assert.equal(response.status, 400);
		const problem = await problemOf(response);
		assert.equal(problem.type, "/problems/range_too_wide");
		assert.match(problem.detail, /8640 buckets of 5 channels .* 40000/);
		const fewer = await wide.get(`${PATH}?${query}&channels=c0,c1,c2,c3`);
		assert.equal(fewer.status, 200);
	});

	it("refuses more buckets than it answers, and says what to do", async () => {
		const cloud = fakeCloud();
		const response = await cloud.get(`${PATH}?every=1s&from=2026-02-28`);
		const problem = await problemOf(response);
		assert.equal(response.status, 400);
		assert.equal(problem.type, "/problems/range_too_wide");
		assert.match(problem.detail, /at most 10000/);
		assert.deepEqual(cloud.asked, []);
	});

	for (const [query, status] of [
		["", 400],
		["every=1m&channels=", 400],
		["every=1m&channels=a,,b", 400],
		["every=1m&channels=humidity", 404],
		["every=1.5m", 400],
	] as const) {
		it(`answers ${status} for ?${query}`, async () => {
			const response = await fakeCloud().get(`${PATH}?${query}`);
			assert.equal(response.status, status);
			await problemOf(response);
		});
	}
});
