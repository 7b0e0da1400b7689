import assert from "node:assert/strict";
import { InvalidQuery } from "../core/errors.ts";
import { fakeCloud, jsonOf, NOW, problemOf } from "./fakes/fake-cloud.ts";

interface Page {
	readonly unit: string;
	readonly rows: readonly { readonly time: string; readonly value: number }[];
	readonly next: string | null;
}

const PATH = "/v1/devices/boiler/readings";
const AUTHORIZED = { Authorization: "Bearer good" };

describe("GET /v1/devices/{name}/readings", () => {
	it("gives rows with ISO times, oldest first, and where the next page starts", async () => {
		const cloud = fakeCloud();
		cloud.readings = {
			rows: [
				{ timeMs: NOW - 2_000, value: 21.53, estimated: false },
				{ timeMs: NOW - 1_000, value: 21.54, estimated: true },
			],
			next: "page2",
			unit: "°C",
			unreadable: 1,
		};
		const response = await cloud.get(`${PATH}?channel=temperature&limit=2`);
		assert.equal(response.status, 200);
		assert.equal(response.headers.get("Thinghz-Next"), "page2");
		assert.deepEqual(await response.json(), {
			device: "boiler",
			channel: "temperature",
			unit: "°C",
			rows: [
				{
					time: "2026-03-01T11:59:58.000Z",
					channel: "temperature",
					value: 21.53,
				},
				{
					time: "2026-03-01T11:59:59.000Z",
					channel: "temperature",
					value: 21.54,
					estimated: true,
				},
			],
			next: "page2",
			unreadable: 1,
		});
	});

	it("asks for the last hour when no range is given", async () => {
		const cloud = fakeCloud();
		await cloud.get(`${PATH}?channel=temperature`);
		assert.deepEqual(cloud.asked, [
			{
				thing: "boiler",
				channel: "temperature",
				fromMs: NOW - 3_600_000,
				toMs: NOW,
				limit: 1000,
			},
		]);
	});

	it("takes times with an offset, dates, and a cursor", async () => {
		const cloud = fakeCloud();
		const query = new URLSearchParams({
			channel: "temperature",
			from: "2026-02-01",
			to: "2026-02-02T01:30:00.250+01:30",
			limit: "10000",
			cursor: "page2",
		});
		const response = await cloud.get(`${PATH}?${query}`);
		assert.equal(response.status, 200);
		assert.deepEqual(cloud.asked, [
			{
				thing: "boiler",
				channel: "temperature",
				fromMs: Date.UTC(2026, 1, 1),
				toMs: Date.UTC(2026, 1, 2, 0, 0, 0, 250),
				limit: 10_000,
				cursor: "page2",
			},
		]);
	});

	for (const [name, query, parameter] of [
		["no channel", "", "channel"],
		["an odd channel", "channel=Temp!", "channel"],
		["a channel twice", "channel=temperature&channel=energy", "channel"],
		["a time that is none", "channel=temperature&from=yesterday", "from"],
		["a day that is none", "channel=temperature&from=2026-02-31x", "from"],
		[
			"a time without an offset",
			"channel=temperature&from=2026-03-01T10:00:00",
			"from",
		],
		["an empty time", "channel=temperature&to=", "to"],
		[
			"a range that ends before it begins",
			"channel=temperature&from=2026-03-02",
			"from",
		],
		["a limit of none", "channel=temperature&limit=0", "limit"],
		["a limit that is too high", "channel=temperature&limit=10001", "limit"],
		["a limit that is no number", "channel=temperature&limit=1e3", "limit"],
		["buckets without a unit", "channel=temperature&every=5", "every"],
		["buckets below a second", "channel=temperature&every=0s", "every"],
		["buckets above a year", "channel=temperature&every=367d", "every"],
		[
			"an aggregate that is none",
			"channel=temperature&every=1m&agg=median",
			"agg",
		],
		["an aggregate without buckets", "channel=temperature&agg=max", "agg"],
		["an empty cursor", "channel=temperature&cursor=", "cursor"],
	] as const) {
		it(`refuses ${name}, and says which parameter it is`, async () => {
			const cloud = fakeCloud();
			const response = await cloud.get(`${PATH}?${query}`);
			const problem = await problemOf(response);
			assert.equal(response.status, 400);
			assert.equal(problem.type, "/problems/invalid_request");
			assert.deepEqual(
				problem.errors?.map((error) => error.parameter),
				[parameter],
			);
			assert.deepEqual(cloud.asked, []);
		});
	}

	it("shows the ISO time to someone who sends milliseconds", async () => {
		const response = await fakeCloud().get(
			`${PATH}?channel=temperature&from=${NOW}`,
		);
		const problem = await problemOf(response);
		assert.equal(response.status, 400);
		assert.match(problem.detail, /2026-03-01T12:00:00\.000Z/);
	});

	it("survives a number of milliseconds beyond all dates", async () => {
		const response = await fakeCloud().get(
			`${PATH}?channel=temperature&from=99999999999999999999`,
		);
		assert.equal(response.status, 400);
	});

	it("names the channels there are when it is asked for another", async () => {
		const response = await fakeCloud().get(`${PATH}?channel=humidity`);
		const problem = await problemOf(response);
		assert.equal(response.status, 404);
		assert.equal(problem.type, "/problems/unknown_channel");
		assert.match(problem.detail, /temperature, energy/);
	});

	it("answers 400 when the store does not know the cursor", async () => {
		const cloud = fakeCloud();
		cloud.failure = new InvalidQuery("bad_cursor", "It is not a cursor.");
		const response = await cloud.get(`${PATH}?channel=temperature&cursor=x`);
		const problem = await problemOf(response);
		assert.equal(response.status, 400);
		assert.equal(problem.type, "/problems/invalid_cursor");
		assert.deepEqual(cloud.errors, []);
	});

	it("gives CSV to those who accept it", async () => {
		const cloud = fakeCloud();
		cloud.readings = {
			rows: [{ timeMs: NOW, value: -0.5, estimated: true }],
			next: "page2",
			unit: "°C",
			unreadable: 1,
		};
		const response = await cloud.get(`${PATH}?channel=temperature`, {
			headers: { ...AUTHORIZED, Accept: "text/csv" },
		});
		assert.equal(
			response.headers.get("content-type"),
			"text/csv; charset=utf-8; header=present",
		);
		assert.equal(response.headers.get("Thinghz-Next"), "page2");
		assert.equal(response.headers.get("Vary"), "Accept");
		assert.equal(
			await response.text(),
			"time,channel,value,estimated\r\n2026-03-01T12:00:00.000Z,temperature,-0.5,true\r\n",
		);
	});
});

describe("GET /v1/devices/{name}/readings with buckets", () => {
	const MINUTE = 60_000;
	const from = "2026-03-01T11:00:30Z";
	const to = "2026-03-01T11:04:00Z";
	const firstBucketMs = NOW - 60 * MINUTE;

	function withBuckets() {
		const cloud = fakeCloud();
		cloud.aggregate = {
			everyMs: MINUTE,
			unreadable: 0,
			bucketsMs: [0, 1, 2].map((i) => firstBucketMs + i * MINUTE),
			channels: {
				temperature: {
					unit: "°C",
					kind: "gauge",
					count: [2, 0, 1],
					mean: [1.5, null, 3],
					min: [1, null, 3],
					max: [2, null, 3],
					sum: [3, null, 3],
				},
			},
		};
		return cloud;
	}

	for (const [agg, values] of [
		[undefined, [1.5, 3]],
		["mean", [1.5, 3]],
		["min", [1, 3]],
		["max", [2, 3]],
		["sum", [3, 3]],
		["count", [2, 1]],
	] as const) {
		it(`gives the ${agg ?? "mean, when not told what,"} of each bucket that has readings`, async () => {
			const query = agg === undefined ? "" : `&agg=${agg}`;
			const response = await withBuckets().get(
				`${PATH}?channel=temperature&every=1m&from=${from}&to=${to}${query}`,
			);
			const body = await jsonOf<Page>(response);
			assert.equal(response.status, 200);
			assert.deepEqual(
				body.rows.map((row) => [row.time, row.value]),
				[
					["2026-03-01T11:00:00.000Z", values[0]],
					["2026-03-01T11:02:00.000Z", values[1]],
				],
			);
			assert.equal(body.next, null);
			assert.equal(body.unit, agg === "count" ? "" : "°C");
		});
	}

	it("cuts pages at whole buckets and goes on where the last one ended", async () => {
		const cloud = withBuckets();
		const path = `${PATH}?channel=temperature&every=1m&from=${from}&to=${to}&limit=3`;
		const first = await jsonOf<Page>(await cloud.get(path));
		const second = await jsonOf<Page>(
			await cloud.get(`${path}&cursor=${first.next}`),
		);
		assert.equal(second.next, null);
		assert.deepEqual(
			cloud.asked.map((query) => {
				const { fromMs, toMs } = query as { fromMs: number; toMs: number };
				return [fromMs - firstBucketMs, toMs - firstBucketMs];
			}),
			[
				[0.5 * MINUTE, 3 * MINUTE],
				[3 * MINUTE, 4 * MINUTE],
			],
		);
	});

	for (const cursor of ["x", "b", "b12", `b${firstBucketMs + MINUTE + 1}`]) {
		it(`refuses the cursor ${cursor}`, async () => {
			const response = await withBuckets().get(
				`${PATH}?channel=temperature&every=1m&from=${from}&to=${to}&cursor=${cursor}`,
			);
			const problem = await problemOf(response);
			assert.equal(response.status, 400);
			assert.equal(problem.type, "/problems/invalid_cursor");
		});
	}
});
