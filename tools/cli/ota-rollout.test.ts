import assert from "node:assert/strict";
import { defaultAbort, statusOf, watchEnd } from "./ota-rollout.ts";

/** Of a job that somebody has made by hand, which says nothing of an image. */
const NO_MANIFEST = "e30=";

/** A cloud that gives two devices at once, and one execution. */
class PagedApi {
	readonly names = ["a", "b", "c", "d", "e"];
	stage: object | null = null;
	status = "IN_PROGRESS";
	counts: object = { QUEUED: this.names.length };

	async get(path: string): Promise<Response> {
		const { pathname, searchParams } = new URL(path, "http://x");
		if (pathname === "/v1/devices") {
			const from = Number(searchParams.get("cursor") ?? 0);
			const devices = this.names.slice(from, from + 2).map((name) => ({
				...{ name, online: true, board: "virtual", firmware: "1.1.0" },
				tags: name === "c" ? { site: "roof" } : {},
			}));
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
			status: this.status,
			reason: null,
			where: null,
			document: { operation: "update", manifest: NO_MANIFEST },
			counts: this.counts,
			stage: this.stage,
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

describe("what thinghz ota status --watch waits for", () => {
	const stuck = {
		...{ number: 1, of: 2, percent: 25, told: 2, succeeded: 0, needed: 2 },
		...{ going: 0, stuck: true },
	};
	const endOf = async (changes: Partial<PagedApi>) => {
		const api = Object.assign(new PagedApi(), changes);
		return watchEnd(await statusOf(api, "r"));
	};

	it("is the rollout's end, and that of those who are at it", async () => {
		const none = { SUCCEEDED: 5 };
		assert.equal(await endOf({}), null);
		assert.deepEqual(await endOf({ status: "COMPLETED", counts: none }), {
			failure: null,
		});
		const one = { FAILED: 1, IN_PROGRESS: 1 };
		assert.equal(await endOf({ status: "CANCELED", counts: one }), null);
	});

	it("is no stage that can still be done, nor anybody who is at it in one that cannot", async () => {
		const stage = { ...stuck, going: 2, stuck: false };
		assert.equal(await endOf({ stage, counts: { QUEUED: 2 } }), null);
		const counts = { FAILED: 1, IN_PROGRESS: 1 };
		assert.equal(await endOf({ stage: { ...stuck, going: 1 }, counts }), null);
	});

	it("is not a stage that stands still for good: it ends, and says why and what to do", async () => {
		for (const counts of [{ FAILED: 2 }, { FAILED: 1, QUEUED: 1 }]) {
			const ended = await endOf({ stage: stuck, counts });
			assert.match(
				ended?.failure ?? "",
				/^r: It stands still for good at stage 1 of 2 \(25%\): .*`thinghz ota abort r`.* --name/,
			);
		}
	});
});

describe("when a rollout is given up, unless it is told", () => {
	const of = (options: Parameters<typeof defaultAbort>[1]) =>
		defaultAbort(new PagedApi(), options);
	const devices = (count: number) =>
		Array.from({ length: count }, (_, at) => `t${at}`);
	const stages = (...percentages: number[]) => ({
		rollout: { maximumPerMinute: 1000, stages: percentages },
	});

	it("is once a fifth of ten or more have failed", async () => {
		assert.equal(await of({ devices: devices(4) }), "20%/10");
		assert.equal(await of({ where: "board=virtual" }), "20%/10");
		const many = { devices: devices(200), ...stages(5, 100) };
		assert.equal(await of(many), "20%/10");
	});

	it("is of as many as the first stage has, where these are fewer", async () => {
		const sizes = [1, 4, 20, 180, 199].map((count) =>
			of({ devices: devices(count), ...stages(5, 100) }),
		);
		assert.deepEqual(await Promise.all(sizes), [
			...["20%/1", "20%/1", "20%/1", "20%/9", "20%/10"],
		]);
	});

	it("leaves devices that try again their tries", async () => {
		const once = { devices: devices(4), ...stages(25, 100) };
		assert.equal(await of(once), "20%/1");
		assert.equal(await of({ ...once, retries: [{}] }), "20%/10");
	});

	it("is of as many as match the query now, on every page of the list", async () => {
		const where = (text: string) => of({ where: text, ...stages(50, 100) });
		assert.equal(await where("board=virtual"), "20%/3");
		assert.equal(await where("site=roof"), "20%/1");
		assert.equal(await where("firmware<1.0.0"), "20%/1");
	});

	it("is left to the cloud where the query is none, which refuses it", async () => {
		assert.equal(await of({ where: "??", ...stages(50, 100) }), "20%/10");
	});
});
