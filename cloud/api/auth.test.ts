import assert from "node:assert/strict";
import { fakeCloud, problemOf } from "./fakes/fake-cloud.ts";

const PROTECTED = [
	"/v1/devices",
	"/v1/devices/boiler",
	"/v1/devices/boiler/readings?channel=temperature",
	"/v1/devices/boiler/blocks",
	"/v1/devices/boiler/aggregate?every=1m",
	"/v1/live",
	"/v1/deadletters",
];

describe("authentication", () => {
	for (const path of PROTECTED) {
		it(`keeps ${path} from those who show nothing, before it looks at what they ask`, async () => {
			const cloud = fakeCloud();
			const response = await cloud.get(path, { headers: {} });
			assert.equal(response.status, 401);
			assert.equal(
				response.headers.get("WWW-Authenticate"),
				'Bearer realm="thinghz"',
			);
			const problem = await problemOf(response);
			assert.equal(problem.type, "/problems/not_signed_in");
			assert.deepEqual(cloud.asked, []);
		});
	}

	for (const header of [
		"Bearer expired",
		"Bearer forged",
		"Bearer",
		"Bearer good good",
		"Basic Z29vZDpnb29k",
		"good",
	]) {
		it(`refuses "${header}"`, async () => {
			const response = await fakeCloud().get("/v1/devices", {
				headers: { Authorization: header },
			});
			assert.equal(response.status, 401);
			assert.match(
				response.headers.get("WWW-Authenticate") ?? "",
				/error="invalid_token"/,
			);
		});
	}

	it("takes the page's cookie for a token", async () => {
		const response = await fakeCloud().get("/v1/devices", {
			headers: { Cookie: "thinghz_session=good" },
		});
		assert.equal(response.status, 200);
	});

	it("does not fall back to the cookie when the header is wrong", async () => {
		const response = await fakeCloud().get("/v1/devices", {
			headers: {
				Authorization: "Bearer forged",
				Cookie: "thinghz_session=good",
			},
		});
		assert.equal(response.status, 401);
	});

	it("lets anybody see that it is healthy and how it is used", async () => {
		for (const path of ["/v1/health", "/v1/openapi.json", "/v1/session"]) {
			const response = await fakeCloud().get(path, { headers: {} });
			assert.equal(response.status, 200, path);
		}
	});
});
