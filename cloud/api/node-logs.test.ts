import assert from "node:assert/strict";
import type { KeptCrash, KeptLine } from "../core/node-logs.ts";
import { type FakeCloud, fakeCloud, jsonOf, NOW } from "./fakes/fake-cloud.ts";

interface Lines {
	readonly lines: readonly { readonly number: number; readonly text: string }[];
	readonly next: string | null;
}

interface Crashes {
	readonly crashes: readonly {
		readonly device: string;
		readonly boot: number;
	}[];
	readonly next: string | null;
}

function line(number: number, more: Partial<KeptLine> = {}): KeptLine {
	return {
		boot: 3,
		number,
		uptimeMs: number * 1000,
		atMs: NOW - 100_000 + number * 1000,
		isLatest: false,
		level: "info",
		text: `line ${number}`,
		receivedMs: NOW,
		...more,
	};
}

function crash(boot: number, more: Partial<KeptCrash> = {}): KeptCrash {
	return {
		device: "boiler",
		boot,
		uptimeMs: 60_000,
		reason: "crash",
		board: "virtual",
		firmware: "1.2.3",
		atMs: NOW - 1000,
		freeBytes: 1234,
		cause: "uncaught exception: Error: x",
		untold: 0,
		toldMs: NOW + boot,
		...more,
	};
}

async function pagesOf<T extends { readonly next: string | null }>(
	cloud: FakeCloud,
	path: string,
): Promise<T[]> {
	const pages: T[] = [];
	let cursor = "";
	do {
		const page = await jsonOf<T>(await cloud.get(`${path}${cursor}`));
		pages.push(page);
		cursor =
			page.next === null ? "" : `&cursor=${encodeURIComponent(page.next)}`;
	} while (cursor !== "");
	return pages;
}

describe("GET /v1/devices/{name}/logs", () => {
	it("gives each line with when it was written and how grave it is", async () => {
		const cloud = fakeCloud();
		await cloud.logs.addLines("boiler", [line(1, { isLatest: true })]);
		const response = await cloud.get("/v1/devices/boiler/logs");
		assert.equal(response.status, 200);
		assert.deepEqual(await response.json(), {
			lines: [
				{
					boot: 3,
					number: 1,
					uptimeMs: 1000,
					time: "2026-03-01T11:58:21.000Z",
					isLatest: true,
					level: "info",
					text: "line 1",
				},
			],
			next: null,
		});
	});

	it("gives those that are grave enough and not too old, page by page", async () => {
		const cloud = fakeCloud();
		const levels = ["error", "warn", "info", "debug"] as const;
		await cloud.logs.addLines(
			"boiler",
			Array.from({ length: 40 }, (_, n) =>
				line(n, { level: levels[n % 4] ?? "info" }),
			),
		);
		const since = new Date(NOW - 100_000 + 8000).toISOString();
		const pages = await pagesOf<Lines>(
			cloud,
			`/v1/devices/boiler/logs?limit=5&level=warn&since=${since}`,
		);
		assert.deepEqual(
			pages.map(({ lines }) => lines.map(({ number }) => number)),
			[[37, 36, 33, 32, 29], [28, 25, 24, 21, 20], [17, 16, 13, 12, 9], [8]],
		);
	});

	it("says that there is no such device, nor such a level, time or cursor", async () => {
		const cloud = fakeCloud();
		const ask = async (path: string) => (await cloud.get(path)).status;
		assert.equal(await ask("/v1/devices/nobody/logs"), 404);
		assert.equal(await ask("/v1/devices/boiler/logs"), 200);
		for (const query of [
			"level=fatal",
			"since=yesterday",
			"cursor=x",
			"limit=0",
			"limit=501",
			"other=1",
		]) {
			assert.equal(await ask(`/v1/devices/boiler/logs?${query}`), 400, query);
		}
	});

	it("is for who may see the device", async () => {
		const cloud = fakeCloud();
		const ask = async (name: string) =>
			(await cloud.getAs("viewer", `/v1/devices/${name}/logs`)).status;
		assert.equal(await ask("boiler"), 200);
		assert.equal(await ask("new"), 404);
	});
});

describe("GET /v1/devices/{name}/crashes", () => {
	it("gives each with what is known of it", async () => {
		const cloud = fakeCloud();
		await cloud.logs.addCrash(crash(1));
		await cloud.logs.addCrash(
			crash(2, {
				uptimeMs: null,
				firmware: null,
				atMs: null,
				freeBytes: null,
				cause: null,
				untold: 3,
				reason: "watchdog",
			}),
		);
		await cloud.logs.addCrash(crash(9, { device: "new" }));
		const response = await cloud.get("/v1/devices/boiler/crashes");
		assert.deepEqual(await response.json(), {
			crashes: [
				{
					device: "boiler",
					told: "2026-03-01T12:00:00.002Z",
					time: null,
					reason: "watchdog",
					boot: 2,
					uptimeMs: null,
					board: "virtual",
					firmware: null,
					freeBytes: null,
					cause: null,
					untold: 3,
				},
				{
					device: "boiler",
					told: "2026-03-01T12:00:00.001Z",
					time: "2026-03-01T11:59:59.000Z",
					reason: "crash",
					boot: 1,
					uptimeMs: 60_000,
					board: "virtual",
					firmware: "1.2.3",
					freeBytes: 1234,
					cause: "uncaught exception: Error: x",
					untold: 0,
				},
			],
			next: null,
		});
		const none = await cloud.get("/v1/devices/nobody/crashes");
		assert.equal(none.status, 404);
	});
});

describe("GET /v1/crashes", () => {
	async function cloudWithCrashes(): Promise<FakeCloud> {
		const cloud = fakeCloud();
		for (let boot = 0; boot < 12; boot++) {
			await cloud.logs.addCrash(
				crash(boot, {
					device: boot % 2 === 0 ? "boiler" : "new",
					firmware: boot % 3 === 0 ? "1.2.4" : "1.2.3",
					reason: boot % 4 === 0 ? "out_of_memory" : "crash",
					uptimeMs: boot % 5 === 0 ? null : 60_000,
				}),
			);
		}
		return cloud;
	}
	const bootsOf = (pages: readonly Crashes[]) =>
		pages.map(({ crashes }) => crashes.map(({ boot }) => boot));

	it("gives those of all devices, page by page", async () => {
		const cloud = await cloudWithCrashes();
		assert.deepEqual(
			bootsOf(await pagesOf<Crashes>(cloud, "/v1/crashes?limit=5")),
			[
				[11, 10, 9, 8, 7],
				[6, 5, 4, 3, 2],
				[1, 0],
			],
		);
	});

	it("gives those of a version, a reason, a device, a time, or of several of these", async () => {
		const cloud = await cloudWithCrashes();
		for (const [query, boots] of [
			["firmware=1.2.4", [9, 6, 3, 0]],
			["reason=out_of_memory", [8, 4, 0]],
			["firmware=1.2.4&reason=out_of_memory", [0]],
			["device=new", [11, 9, 7, 5, 3, 1]],
			[`since=${new Date(NOW).toISOString()}`, []],
			[
				`since=${new Date(NOW - 1000).toISOString()}&device=new&limit=2`,
				[11, 9],
			],
		] as const) {
			const page = await jsonOf<Crashes>(
				await cloud.get(`/v1/crashes?${query}`),
			);
			assert.deepEqual(bootsOf([page]), [boots], query);
		}
	});

	it("leaves out what the caller may not see", async () => {
		const cloud = await cloudWithCrashes();
		const page = await jsonOf<Crashes>(
			await cloud.getAs("viewer", "/v1/crashes"),
		);
		assert.deepEqual(
			new Set(page.crashes.map(({ device }) => device)),
			new Set(["boiler"]),
		);
		const other = await cloud.getAs("viewer", "/v1/crashes?device=new");
		assert.equal(other.status, 404);
	});

	it("refuses what it does not know", async () => {
		const cloud = fakeCloud();
		for (const query of [
			"reason=bad_mood",
			"since=never",
			"cursor=1.2.3",
			"device=a/b",
			"other=1",
		]) {
			assert.equal(
				(await cloud.get(`/v1/crashes?${query}`)).status,
				400,
				query,
			);
		}
		assert.equal((await cloud.get("/v1/crashes?device=nobody")).status, 404);
	});
});
