import assert from "node:assert/strict";
import { fakeCloud, NOW, problemOf } from "./fakes/fake-cloud.ts";

const PATH = "/v1/devices/boiler/blocks";

describe("GET /v1/devices/{name}/blocks", () => {
	it("frames each block by its length, its start and whether that is estimated", async () => {
		const cloud = fakeCloud();
		cloud.blocks = {
			blocks: [
				{
					bytes: Uint8Array.of(1, 2, 3),
					startMs: 1.5,
					spanMs: 3000,
					estimated: false,
				},
				{
					bytes: Uint8Array.of(255),
					startMs: -2,
					spanMs: 3000,
					estimated: true,
				},
			],
			next: "page2",
		};
		const response = await cloud.get(PATH);
		assert.equal(response.status, 200);
		assert.equal(
			response.headers.get("content-type"),
			"application/vnd.thinghz.blocks",
		);
		assert.equal(response.headers.get("Thinghz-Next"), "page2");
		const body = Buffer.from(await response.arrayBuffer());
		assert.equal(
			body.toString("hex"),
			"03000000000000000000f83f00010203" + "0100000000000000000000c001ff",
		);
	});

	it("answers an empty body when there are none", async () => {
		const response = await fakeCloud().get(PATH);
		assert.equal(response.status, 200);
		assert.equal((await response.arrayBuffer()).byteLength, 0);
		assert.equal(response.headers.get("Thinghz-Next"), null);
	});

	it("passes on the range, the channel, the limit and the cursor", async () => {
		const cloud = fakeCloud();
		await cloud.get(
			`${PATH}?from=2026-03-01T11:59:00Z&to=2026-03-01T12:00:00Z&channel=energy&limit=7&cursor=c`,
		);
		assert.deepEqual(cloud.asked, [
			{
				thing: "boiler",
				fromMs: NOW - 60_000,
				toMs: NOW,
				channel: "energy",
				limit: 7,
				cursor: "c",
			},
		]);
	});

	for (const [path, status, type] of [
		["/v1/devices/kettle/blocks", 404, "unknown_device"],
		[`${PATH}?limit=1001`, 400, "invalid_request"],
		[`${PATH}?from=2027-01-01`, 400, "invalid_request"],
		[`${PATH}?every=1m`, 400, "invalid_request"],
	] as const) {
		it(`answers ${status} for ${path}`, async () => {
			const response = await fakeCloud().get(path);
			assert.equal(response.status, status);
			assert.equal((await problemOf(response)).type, `/problems/${type}`);
		});
	}
});
