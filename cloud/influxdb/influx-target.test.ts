import assert from "node:assert/strict";
import {
	InfluxTargetError,
	influxOfSecret,
	parseInfluxUrl,
} from "./influx-target.ts";

const HOST = "http://127.0.0.1:8086";

describe("the address of an InfluxDB", () => {
	it("names a database of InfluxDB 1, or the default one", () => {
		const auth = { type: "none" } as const;
		assert.deepEqual(parseInfluxUrl(HOST, null), {
			url: HOST,
			api: 1,
			database: "thinghz",
			auth,
		});
		assert.deepEqual(parseInfluxUrl(`${HOST}/my%20home`, null), {
			url: HOST,
			api: 1,
			database: "my home",
			auth,
		});
	});

	it("signs in to InfluxDB 1 by user and password, colons in the password among it", () => {
		assert.deepEqual(parseInfluxUrl(HOST, "me:a:b").auth, {
			type: "basic",
			user: "me",
			password: "a:b",
		});
	});

	it("names organization and bucket of InfluxDB 2, with a token or a password", () => {
		const url = `${HOST}/?org=home&bucket=readings`;
		assert.deepEqual(parseInfluxUrl(url, "abc=="), {
			url: HOST,
			api: 2,
			org: "home",
			bucket: "readings",
			auth: { type: "token", token: "abc==" },
		});
		assert.deepEqual(parseInfluxUrl(url, "me:pw").auth, {
			type: "session",
			user: "me",
			password: "pw",
		});
	});

	for (const [what, url, secret] of [
		["no address", "influx", null],
		["another protocol", "ftp://x/y", null],
		["a password in the address", "http://me:pw@127.0.0.1:8086", null],
		["two databases", `${HOST}/a/b`, null],
		["an organization without a bucket", `${HOST}/?org=home`, "t"],
		["a database beside a bucket", `${HOST}/x?org=a&bucket=b`, "t"],
		["InfluxDB 2 without a secret", `${HOST}/?org=a&bucket=b`, null],
		["InfluxDB 1 with a token", HOST, "token"],
		["a parameter that means nothing", `${HOST}/?db=x`, null],
	] as const) {
		it(`is refused for ${what}`, () => {
			assert.throws(() => parseInfluxUrl(url, secret), InfluxTargetError);
		});
	}
});

describe("the secret of Timestream for InfluxDB", () => {
	const URL = "https://db.example:8086";
	const SECRET = {
		engine: "timestream-influxdb",
		organization: "thinghz",
		bucket: "readings",
		username: "admin",
		password: "pw",
	};

	it("signs in by its user and password, or goes by a token where it has one", () => {
		assert.deepEqual(influxOfSecret(`${URL}/`, null, JSON.stringify(SECRET)), {
			url: URL,
			api: 2,
			org: "thinghz",
			bucket: "readings",
			auth: { type: "session", user: "admin", password: "pw" },
		});
		const token = JSON.stringify({ ...SECRET, token: "t" });
		assert.deepEqual(influxOfSecret(URL, "other", token), {
			url: URL,
			api: 2,
			org: "thinghz",
			bucket: "other",
			auth: { type: "token", token: "t" },
		});
	});

	for (const [what, secret] of [
		["text", "sesame"],
		["null", "null"],
		[
			"an organization missing",
			JSON.stringify({ ...SECRET, organization: "" }),
		],
		["no password and no token", JSON.stringify({ ...SECRET, password: 5 })],
	] as const) {
		it(`is refused, and not shown, when it is or has ${what}`, () => {
			assert.throws(
				() => influxOfSecret(URL, null, secret),
				(error: unknown) =>
					error instanceof InfluxTargetError &&
					!error.message.includes("sesame") &&
					error.cause === undefined,
			);
		});
	}
});
