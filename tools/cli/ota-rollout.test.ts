import assert from "node:assert/strict";
import { statusOf } from "./ota-rollout.ts";

/** Of a job that somebody has made by hand, which says nothing of an image. */
const NO_MANIFEST = "e30=";

/** A cloud that gives two devices at once, and one execution. */
class PagedApi {
	readonly names = ["a", "b", "c", "d", "e"];

	async get(path: string): Promise<Response> {
		const { pathname, searchParams } = new URL(path, "http://x");
		if (pathname === "/v1/devices") {
			const from = Number(searchParams.get("cursor") ?? 0);
			const devices = this.names
				.slice(from, from + 2)
				.map((name) => ({ name, online: true, firmware: "1.1.0" }));
			const next = from + 2 < this.names.length ? String(from + 2) : null;
			return Response.json({ devices, next });
		}
		if (pathname.endsWith("/executions")) {
			const executions = this.names.map((device) => ({
				device,
				status: "QUEUED",
				statusDetails: {},
				updated: null,
				attempt: 1,
				waitsFor: device === "b" ? "update-0-9-0" : null,
			}));
			return Response.json({ executions, next: null });
		}
		return Response.json({
			id: "r",
			status: "IN_PROGRESS",
			reason: null,
			document: { operation: "update", manifest: NO_MANIFEST },
			counts: { QUEUED: this.names.length },
		});
	}
}

describe("what thinghz ota status says", () => {
	it("is of every device, also of those beyond the first page of the list", async () => {
		const api = new PagedApi();
		const { devices } = await statusOf(api, "r");
		assert.deepEqual(
			devices.map(({ device, online, version }) => [device, online, version]),
			api.names.map((name) => [name, true, "1.1.0"]),
		);
	});

	it("is of one that does another job first that it waits for that, by name", async () => {
		const { devices } = await statusOf(new PagedApi(), "r");
		const [first, second] = devices;
		assert.deepEqual([first?.reason, first?.waitsFor], [null, null]);
		assert.deepEqual(
			[second?.reason, second?.waitsFor],
			["waits_for", "update-0-9-0"],
		);
	});

	it("is said of a job with a manifest that is none, too", async () => {
		const { version, board } = await statusOf(new PagedApi(), "r");
		assert.deepEqual([version, board], [null, null]);
	});
});
