import assert from "node:assert/strict";
import { LOCAL, readConfig } from "./page-config.ts";

describe("the page's configuration", () => {
	it("says where people sign in and how news come", () => {
		const signInUrl = "https://thinghz.auth.eu-central-1.amazoncognito.com";
		assert.deepEqual(
			readConfig({ signInUrl: `${signInUrl}/`, clientId: "c", live: "poll" }),
			{ hosted: { signInUrl, clientId: "c" }, live: "poll" },
		);
	});

	it("says nothing on one machine, nor by what is not understood", () => {
		for (const document of [
			{},
			null,
			[],
			"x",
			{ signInUrl: "javascript:alert(1)", clientId: "c" },
			{ signInUrl: "https://a.example" },
			{ signInUrl: 1, clientId: 2, live: true },
		]) {
			assert.deepEqual(readConfig(document), LOCAL);
		}
	});
});
