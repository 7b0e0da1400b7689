import assert from "node:assert/strict";
import { StoreError } from "../core/ports.ts";
import type { RedriveQuery } from "../core/redrive.ts";
import { fakeCloud, problemOf, TOKENS } from "./fakes/fake-cloud.ts";
import type { ApiDeps } from "./ports.ts";

function cloudThat(changes: Partial<ApiDeps> = {}) {
	const asked: RedriveQuery[] = [];
	const cloud = fakeCloud({
		redrive: {
			async run(query) {
				asked.push(query);
				return { taken: 2, kept: 1, next: 40 };
			},
		},
		...changes,
	});
	const post = (body: unknown, token = TOKENS.operator) =>
		cloud.app.request("/v1/deadletters/redrive", {
			method: "POST",
			headers: {
				Authorization: `Bearer ${token}`,
				"Content-Type": "application/json",
			},
			body: JSON.stringify(body),
		});
	return { asked, post };
}

describe("POST /v1/deadletters/redrive", () => {
	it("says how many were taken in, how many stay and where to go on", async () => {
		const { asked, post } = cloudThat();
		const response = await post({});
		assert.equal(response.status, 200);
		assert.deepEqual(await response.json(), {
			taken: 2,
			kept: 1,
			next: "40",
			queue: null,
		});
		assert.deepEqual(asked, [{ limit: 100 }]);
	});

	it("passes on what is asked for", async () => {
		const { asked, post } = cloudThat();
		await post({
			device: "boiler",
			reason: "bad_values",
			limit: 7,
			cursor: "9",
		});
		assert.deepEqual(asked, [
			{ limit: 7, beforeId: 9, device: "boiler", reason: "bad_values" },
		]);
	});

	it("begins with the queue in front of the dead letters, once and for all of it alone", async () => {
		let begun = 0;
		const { post } = cloudThat({
			deadLetterQueue: {
				async redrive() {
					return begun++ === 0 ? "started" : "running";
				},
			},
		});
		const queueOf = async (body: unknown) =>
			((await (await post(body)).json()) as { queue: unknown }).queue;
		assert.equal(await queueOf({}), "started");
		assert.equal(await queueOf({ limit: 5 }), "running");
		assert.equal(await queueOf({ cursor: "9" }), null);
		assert.equal(await queueOf({ device: "boiler" }), null);
		assert.equal(await queueOf({ reason: "bad_values" }), null);
		assert.equal(begun, 2);
	});

	it("answers 503 when the store or the queue cannot do it now", async () => {
		const failing = async () => {
			throw new StoreError("unavailable", "Not now.");
		};
		for (const changes of [
			{ redrive: { run: failing } },
			{ deadLetterQueue: { redrive: failing } },
		]) {
			const response = await cloudThat(changes).post({});
			assert.equal(response.status, 503);
		}
	});

	for (const body of [
		{ limit: 0 },
		{ limit: 501 },
		{ limit: "5" },
		{ device: "a/b" },
		{ reason: "" },
		{ cursor: "x" },
		{ since: 1 },
		[],
		null,
	]) {
		it(`refuses ${JSON.stringify(body)}`, async () => {
			const { asked, post } = cloudThat();
			assert.equal((await post(body)).status, 400);
			assert.deepEqual(asked, []);
		});
	}

	it("is for operators and administrators", async () => {
		const { asked, post } = cloudThat();
		const refused = await post({}, TOKENS.viewer);
		assert.equal(refused.status, 403);
		assert.equal((await problemOf(refused)).type, "/problems/forbidden");
		assert.equal((await post({}, "nobody's")).status, 401);
		assert.deepEqual(asked, []);
		assert.equal((await post({}, TOKENS.admin)).status, 200);
	});
});
