import assert from "node:assert/strict";
import { ShadowError } from "../core/shadows/errors.ts";
import { fakeCloud, jsonOf, problemOf } from "./fakes/fake-cloud.ts";

const CONFIG = "/v1/devices/boiler/shadows/config";
const CLASSIC = "/v1/devices/boiler/shadow";
const AUTHORIZATION = "Bearer good";

function patch(body: unknown): RequestInit {
	return {
		method: "PATCH",
		headers: {
			Authorization: AUTHORIZATION,
			"Content-Type": "application/json",
		},
		body: typeof body === "string" ? body : JSON.stringify(body),
	};
}

const REMOVE: RequestInit = {
	method: "DELETE",
	headers: { Authorization: AUTHORIZATION },
};

interface View {
	readonly state: Record<string, unknown>;
	readonly metadata: Record<string, unknown>;
	readonly version: number;
	readonly timestamp: number;
}

describe("shadows of the API", () => {
	for (const path of [CONFIG, CLASSIC]) {
		it(`are made, given, changed and deleted at ${path}`, async () => {
			const cloud = fakeCloud();
			assert.equal((await cloud.get(path)).status, 404);
			const made = await cloud.get(
				path,
				patch({ state: { desired: { a: 1 }, reported: { a: 2 } } }),
			);
			assert.equal(made.status, 200);
			const view = await jsonOf<View>(await cloud.get(path));
			const time = { timestamp: 1_772_366_400 };
			assert.deepEqual(view, {
				state: { desired: { a: 1 }, reported: { a: 2 }, delta: { a: 1 } },
				metadata: { desired: { a: time }, reported: { a: time } },
				version: 1,
				timestamp: 1_772_366_400,
			});
			const changed = await cloud.get(
				path,
				patch({ state: { desired: null }, version: 1 }),
			);
			assert.deepEqual(await changed.json(), {
				state: { desired: null },
				metadata: {},
				version: 2,
				timestamp: 1_772_366_400,
			});
			const deleted = await cloud.get(path, REMOVE);
			assert.deepEqual(await deleted.json(), {
				version: 2,
				timestamp: 1_772_366_400,
			});
			assert.equal((await cloud.get(path, REMOVE)).status, 404);
		});
	}

	it("are listed by name, without the classic one", async () => {
		const cloud = fakeCloud();
		for (const path of [CONFIG, CLASSIC, CONFIG.replace("config", "a")]) {
			await cloud.get(path, patch({ state: { desired: { a: 1 } } }));
		}
		const list = await cloud.get("/v1/devices/boiler/shadows");
		assert.deepEqual(await list.json(), { shadows: ["a", "config"] });
	});

	it("keep members of any name", async () => {
		const cloud = fakeCloud();
		const desired = '{"__proto__":{"a":[1]},"constructor":2,"":3}';
		await cloud.get(CONFIG, patch(`{"state":{"desired":${desired}}}`));
		const text = await (await cloud.get(CONFIG)).text();
		assert.ok(text.startsWith(`{"state":{"desired":${desired},`), text);
	});

	for (const [what, path, init, status, type] of [
		[
			"a device that is not there",
			"/v1/devices/attic/shadow",
			{},
			404,
			"unknown_device",
		],
		[
			"a list of a device that is not there",
			"/v1/devices/attic/shadows",
			{},
			404,
			"unknown_device",
		],
		["a shadow that is not there", CONFIG, {}, 404, "unknown_shadow"],
		[
			"a name that cannot be",
			"/v1/devices/boiler/shadows/a.b",
			{},
			400,
			"invalid_request",
		],
		["no state", CONFIG, patch({}), 400, "invalid_request"],
		[
			"a desired list",
			CONFIG,
			patch({ state: { desired: [] } }),
			400,
			"shadow_malformed",
		],
		[
			"another section",
			CONFIG,
			patch({ state: { delta: {} } }),
			400,
			"shadow_malformed",
		],
		[
			"a null in a list",
			CONFIG,
			patch({ state: { desired: { a: [null] } } }),
			400,
			"shadow_malformed",
		],
		[
			"too many levels",
			CONFIG,
			patch(`{"state":{"desired":${'{"a":'.repeat(9)}1${"}".repeat(9)}}}`),
			400,
			"shadow_too_deep",
		],
		[
			"a version that is not there",
			CONFIG,
			patch({ state: {}, version: 7 }),
			409,
			"shadow_version",
		],
		[
			"too large a state",
			CONFIG,
			patch({ state: { desired: { a: "x".repeat(9000) } } }),
			413,
			"shadow_too_large",
		],
		[
			"too large a body",
			CONFIG,
			patch({ state: {}, more: "x".repeat(40_000) }),
			413,
			"body_too_large",
		],
		["a body that is no JSON", CONFIG, patch("{"), 400, "invalid_request"],
	] as const) {
		it(`answer ${what} with ${status}`, async () => {
			const cloud = fakeCloud();
			const response = await cloud.get(path, init as RequestInit);
			assert.equal(response.status, status);
			const problem = await problemOf(response);
			assert.equal(problem.type, `/problems/${type}`);
			assert.deepEqual(cloud.errors, []);
		});
	}

	it("answer 503 when the cloud cannot do it now, and say so to whoever runs it", async () => {
		const error = new ShadowError(500, "Internal service failure");
		const fail = () => Promise.reject(error);
		const cloud = fakeCloud({
			shadows: { get: fail, update: fail, delete: fail, names: fail },
		});
		const response = await cloud.get(CONFIG);
		assert.equal(response.status, 503);
		await problemOf(response);
		assert.deepEqual(cloud.errors, [error]);
	});
});
