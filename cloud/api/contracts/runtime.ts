/**
 * What the API says is the same wherever it runs: one suite, which sends the same requests through whatever stands
 * between a client and the app, and compares what arrives.
 */
import assert from "node:assert/strict";
import type { PlacedBlock } from "../../core/queries.ts";
import type { createApi } from "../app.ts";
import {
	type FakeCloud,
	fakeCloud,
	GOOD_TOKEN,
	NOW,
	problemOf,
} from "../fakes/fake-cloud.ts";
import { frameBlocks } from "../framing.ts";

export interface Runtime {
	/** Base address, which requests name. */
	readonly url: string;
	fetch(request: Request): Promise<Response>;
	close(): Promise<void>;
}

const BLOCKS: readonly PlacedBlock[] = [
	{
		// Every byte there is: what takes them for text changes them.
		bytes: Uint8Array.from({ length: 256 }, (_, i) => i),
		startMs: NOW,
		spanMs: 300_000,
		estimated: false,
	},
	{
		bytes: Uint8Array.of(0xff, 0xfe, 0, 0x80),
		startMs: NOW,
		spanMs: 1_000,
		estimated: true,
	},
];

export function runtimeContract(
	name: string,
	start: (app: ReturnType<typeof createApi>) => Promise<Runtime>,
): void {
	describe(`the API under ${name}`, () => {
		let cloud: FakeCloud;
		let runtime: Runtime;

		beforeEach(async () => {
			cloud = fakeCloud();
			runtime = await start(cloud.app);
		});
		afterEach(() => runtime.close());

		function ask(
			path: string,
			init: RequestInit = {},
			token: string | null = GOOD_TOKEN,
		): Promise<Response> {
			const headers = new Headers(init.headers);
			if (token !== null) headers.set("Authorization", `Bearer ${token}`);
			return runtime.fetch(
				new Request(`${runtime.url}${path}`, { ...init, headers }),
			);
		}

		it("answers in JSON, with the headers that keep browsers from misusing it", async () => {
			const response = await ask("/v1/devices/boiler");
			assert.equal(response.status, 200);
			assert.equal(response.headers.get("content-type"), "application/json");
			assert.equal(response.headers.get("x-content-type-options"), "nosniff");
			assert.equal(response.headers.get("cache-control"), "no-store");
			const device = (await response.json()) as { channels: object[] };
			assert.match(JSON.stringify(device.channels[0]), /"unit":"°C"/);
		});

		it("sends blocks byte by byte, and where the next page starts", async () => {
			cloud.blocks = { blocks: BLOCKS, next: "12:0" };
			const response = await ask("/v1/devices/boiler/blocks?limit=2");
			assert.equal(
				response.headers.get("content-type"),
				"application/vnd.thinghz.blocks",
			);
			assert.equal(response.headers.get("thinghz-next"), "12:0");
			assert.deepEqual(
				Buffer.from(await response.arrayBuffer()),
				Buffer.from(frameBlocks(BLOCKS)),
			);
		});

		it("sends no blocks as nothing", async () => {
			const response = await ask("/v1/devices/boiler/blocks");
			assert.equal(response.status, 200);
			assert.equal((await response.arrayBuffer()).byteLength, 0);
		});

		it("understands queries as they are written", async () => {
			const query =
				"channel=temperature&from=2026-03-01T12%3A00%3A00%2B00:00&to=2026-03-01T13:00:00Z&limit=7&cursor=a%26b%3D1+2";
			await ask(`/v1/devices/boiler/readings?${query}`);
			assert.deepEqual(cloud.asked.at(-1), {
				thing: "boiler",
				channel: "temperature",
				fromMs: Date.UTC(2026, 2, 1, 12),
				toMs: Date.UTC(2026, 2, 1, 13),
				limit: 7,
				cursor: "a&b=1 2",
			});
		});

		it("writes CSV for who accepts it", async () => {
			cloud.readings = {
				rows: [{ timeMs: NOW, value: 21.5, estimated: false }],
				next: null,
				unit: "°C",
				unreadable: 0,
			};
			const response = await ask(
				"/v1/devices/boiler/readings?channel=temperature",
				{ headers: { Accept: "text/csv" } },
			);
			assert.match(response.headers.get("content-type") ?? "", /^text\/csv/);
			assert.equal(
				await response.text(),
				"time,channel,value,estimated\r\n2026-03-01T12:00:00.000Z,temperature,21.5,false\r\n",
			);
		});

		it("signs in by a cookie, and takes it back", async () => {
			const signedIn = await ask(
				"/v1/session",
				{
					method: "POST",
					headers: { "Content-Type": "application/json" },
					body: JSON.stringify({ token: "once" }),
				},
				null,
			);
			assert.equal(signedIn.status, 200);
			const [cookie = ""] = signedIn.headers.getSetCookie();
			assert.match(cookie, /^thinghz_session(_\d+)?=good; /);
			const headers = {
				Cookie: `other=1; ${cookie.split(";")[0]}; third=2`,
			};
			const devices = await ask("/v1/devices", { headers }, null);
			assert.equal(devices.status, 200);
			const out = await ask("/v1/session", { method: "DELETE", headers }, null);
			assert.equal(out.status, 204);
			assert.equal(await out.text(), "");
			assert.match(out.headers.getSetCookie().join(), /Max-Age=0/);
		});

		for (const [what, path, init, status] of [
			["a path that is not there", "/v1/nothing", {}, 404],
			["a device that is not there", "/v1/devices/kettle", {}, 404],
			["a name that cannot be", "/v1/devices/a%20b", {}, 400],
			["a method that is not there", "/v1/devices", { method: "PUT" }, 405],
			["a query that is not known", "/v1/devices?x=1", {}, 400],
			[
				"a body that is no JSON",
				"/v1/session",
				{
					method: "POST",
					headers: { "Content-Type": "application/json" },
					body: "{",
				},
				400,
			],
			[
				"a body of another type",
				"/v1/session",
				{
					method: "POST",
					headers: { "Content-Type": "application/octet-stream" },
					body: Uint8Array.of(0xff),
				},
				415,
			],
			[
				"a body that is too large",
				"/v1/session",
				{
					method: "POST",
					headers: { "Content-Type": "application/json" },
					body: `"${"x".repeat(9_000)}"`,
				},
				413,
			],
		] as const) {
			it(`answers ${what} with a problem document and ${status}`, async () => {
				const response = await ask(path, init);
				assert.equal(response.status, status);
				const problem = await problemOf(response);
				assert.equal(problem.status, status);
			});
		}

		it("asks who shows nothing to sign in, and says how", async () => {
			const response = await ask("/v1/devices", {}, null);
			assert.equal(response.status, 401);
			assert.match(response.headers.get("www-authenticate") ?? "", /^Bearer/);
			await problemOf(response);
		});

		it("answers HEAD like GET, without a body", async () => {
			const response = await ask("/v1/devices/boiler", { method: "HEAD" });
			assert.equal(response.status, 200);
			assert.equal(await response.text(), "");
		});

		it("says that something failed without saying what", async () => {
			cloud.failure = new Error("password is hunter2");
			const response = await ask("/v1/devices");
			assert.equal(response.status, 500);
			assert.doesNotMatch(await response.text(), /hunter2/);
		});

		it("describes itself", async () => {
			const response = await ask("/v1/openapi.json", {}, null);
			const { openapi } = (await response.json()) as { openapi: string };
			assert.match(openapi, /^3\.1/);
		});
	});
}
