import assert from "node:assert/strict";
import { fakeCloud, jsonOf, problemOf } from "./fakes/fake-cloud.ts";

describe("GET /v1/devices", () => {
	it("lists all devices with what is known of them", async () => {
		const response = await fakeCloud().get("/v1/devices");
		assert.equal(response.status, 200);
		assert.deepEqual(await response.json(), {
			devices: [
				{
					name: "boiler",
					created: "2026-02-28T12:00:00.000Z",
					online: true,
					lastSeen: "2026-03-01T11:59:59.000Z",
					board: "esp32",
					firmware: "1.2.3",
					boot: {
						number: 7,
						resetReason: "brown_out",
						at: "2026-03-01T11:00:00.000Z",
					},
					channels: [
						{
							id: "temperature",
							unit: "°C",
							kind: "gauge",
							resolution: 0.01,
						},
						{ id: "energy", unit: "Wh", kind: "counter", resolution: 1 },
					],
					tags: { site: "cellar" },
					configRefused: null,
				},
				{
					name: "new",
					created: "2026-03-01T12:00:00.000Z",
					online: false,
					lastSeen: null,
					board: null,
					firmware: null,
					boot: null,
					channels: [],
					tags: {},
					configRefused: "interval must be at least 10 ms",
				},
			],
			next: null,
		});
	});

	it("lists them page by page, by name", async () => {
		const cloud = fakeCloud();
		const pages: string[][] = [];
		let query = "?limit=1";
		do {
			const response = await cloud.get(`/v1/devices${query}`);
			const page = await jsonOf<{
				devices: { name: string }[];
				next: string | null;
			}>(response);
			pages.push(page.devices.map(({ name }) => name));
			query = page.next === null ? "" : `?limit=1&cursor=${page.next}`;
		} while (query !== "");
		assert.deepEqual(pages, [["boiler"], ["new"]]);
		for (const query of ["limit=0", "limit=1001", "cursor=", "cursor=a/b"]) {
			const response = await cloud.get(`/v1/devices?${query}`);
			assert.equal(response.status, 400, query);
		}
	});

	it("gives one device by its name", async () => {
		const response = await fakeCloud().get("/v1/devices/boiler");
		assert.equal(response.status, 200);
		const device = await jsonOf<{ name: string }>(response);
		assert.equal(device.name, "boiler");
	});

	it("answers 404 for a device that is not there", async () => {
		const response = await fakeCloud().get("/v1/devices/kettle");
		const problem = await problemOf(response);
		assert.equal(response.status, 404);
		assert.equal(problem.type, "/problems/unknown_device");
		assert.equal(problem.instance, "/v1/devices/kettle");
		assert.match(problem.detail, /kettle/);
	});

	it("refuses what cannot be a device's name", async () => {
		const response = await fakeCloud().get("/v1/devices/a%2Fb");
		const problem = await problemOf(response);
		assert.equal(response.status, 400);
		assert.equal(problem.errors?.[0]?.parameter, "name");
	});

	it("refuses a parameter that it does not know", async () => {
		const response = await fakeCloud().get("/v1/devices?limt=3");
		const problem = await problemOf(response);
		assert.equal(response.status, 400);
		assert.deepEqual(problem.errors, [
			{ parameter: "limt", detail: "is not known here" },
		]);
	});
});
