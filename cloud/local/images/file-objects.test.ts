import assert from "node:assert/strict";
import { once } from "node:events";
import {
	mkdirSync,
	mkdtempSync,
	readdirSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { firmwareObjectsContract } from "../../core/contracts/firmware-objects.ts";
import {
	firmwareUploadsContract,
	updateKeysContract,
} from "../../core/contracts/firmware-releases.ts";
import {
	type FirmwareObjects,
	parseFirmwarePath,
} from "../../core/firmware-objects.ts";
import { StoreError } from "../../core/ports.ts";
import { type HttpServer, startHttp } from "../http.ts";
import { firmwareDownloads, readRange } from "./downloads.ts";
import { fileFirmwareObjects, fileFirmwareUploads } from "./file-objects.ts";
import { fileUpdateKeys } from "./update-key.ts";

const SECRET = new Uint8Array(32).fill(7);
const KEY = { version: "1.2.3", board: "esp32", file: "image.bin" };

describe("firmware as files", () => {
	let dir: string;
	let server: HttpServer;
	let objects: FirmwareObjects;
	let offsetMs: number;

	async function makeObjects(): Promise<FirmwareObjects> {
		dir = mkdtempSync(join(tmpdir(), "thinghz-firmware-"));
		offsetMs = 0;
		const clock = { nowMs: () => Date.now() + offsetMs };
		const common = { dir: join(dir, "firmware"), secret: SECRET, clock };
		server = await startHttp({
			app: new Hono(),
			firmware: firmwareDownloads(common),
			webDir: null,
			host: "127.0.0.1",
			port: 0,
		});
		objects = fileFirmwareObjects({ ...common, baseUrl: () => server.url });
		return objects;
	}

	afterEach(async () => {
		await server.close();
		rmSync(dir, { recursive: true });
	});

	firmwareObjectsContract("files", makeObjects);

	firmwareUploadsContract("files", async () => {
		const made = await makeObjects();
		const uploads = fileFirmwareUploads({ dir: join(dir, "firmware") });
		return {
			objects: made,
			uploads,
			async send(url, _headers, bytes) {
				const key = parseFirmwarePath(url.replace("/v1/firmware/", ""));
				assert.ok(key !== null);
				await uploads.receive?.(key, new Blob([bytes]).stream(), bytes.length);
				return true;
			},
		};
	});

	updateKeysContract("files", async () => {
		await makeObjects();
		return fileUpdateKeys(dir);
	});

	describe("that are uploaded", () => {
		beforeEach(makeObjects);

		for (const [code, maxBytes] of [
			["wrong_hash", 3],
			["too_large", 2],
		] as const) {
			it(`leave nothing behind where they are refused: ${code}`, async () => {
				const uploads = fileFirmwareUploads({ dir: join(dir, "firmware") });
				const key = { ...KEY, file: "ab".repeat(32) };
				const body = new Blob([Uint8Array.of(1, 2, 3)]).stream();
				await assert.rejects(uploads.receive!(key, body, maxBytes), { code });
				assert.deepEqual(readdirSync(join(dir, "firmware/1.2.3/esp32")), []);
			});
		}

		it("leave nothing behind where their sender goes away", async () => {
			const uploads = fileFirmwareUploads({ dir: join(dir, "firmware") });
			const key = { ...KEY, file: "ab".repeat(32) };
			const body = new ReadableStream<Uint8Array>({
				start(controller) {
					controller.enqueue(Uint8Array.of(1));
					controller.error(new Error("gone"));
				},
			});
			await assert.rejects(uploads.receive!(key, body, 100), StoreError);
			assert.deepEqual(readdirSync(join(dir, "firmware/1.2.3/esp32")), []);
		});
	});

	describe("by their addresses", () => {
		beforeEach(makeObjects);

		async function statusOf(url: string): Promise<number> {
			const response = await fetch(url);
			await response.body?.cancel();
			return response.status;
		}

		it("are there until the address has expired", async () => {
			await objects.put(KEY, Uint8Array.of(1));
			const url = await objects.downloadUrl(KEY, 60);
			offsetMs = 58_000;
			assert.equal(await statusOf(url), 200);
			offsetMs = 60_000;
			assert.equal(await statusOf(url), 403);
		});

		it("are not there by an address that was changed in any way", async () => {
			await objects.put(KEY, Uint8Array.of(1));
			await objects.put({ ...KEY, file: "other.bin" }, Uint8Array.of(2));
			const good = new URL(await objects.downloadUrl(KEY, 60));
			const changed = (change: (url: URL) => void): string => {
				const url = new URL(good);
				change(url);
				return url.href;
			};
			const set = (name: string, value: string) =>
				changed((url) => url.searchParams.set(name, value));
			const signature = good.searchParams.get("signature") ?? "";
			for (const url of [
				set("expires", String(Number(good.searchParams.get("expires")) + 1)),
				set("expires", "x"),
				set("expires", "1e12"),
				set("signature", ""),
				set("signature", signature.slice(1)),
				set("signature", `A${signature.slice(1)}`),
				changed((url) => url.searchParams.delete("signature")),
				changed((url) => {
					url.search = "";
				}),
				good.href.replace("image.bin", "other.bin"),
				good.href.replace("1.2.3", "1.2.4"),
			]) {
				assert.ok([403].includes(await statusOf(url)), url);
			}
			assert.equal(await statusOf(good.href), 200);
		});

		it("lead to nothing outside their folder", async () => {
			await objects.put(KEY, Uint8Array.of(1));
			mkdirSync(join(dir, "other"));
			writeFileSync(join(dir, "secret"), "not for nodes");
			const { search } = new URL(await objects.downloadUrl(KEY, 60));
			for (const path of [
				"/firmware/../secret",
				"/firmware/1.2.3/../../secret",
				"/firmware/%2e%2e/%2e%2e/secret",
				"/firmware/..%2f..%2fsecret",
				"/firmware/1.2.3/esp32/%00",
				"/firmware/%",
				"/firmware/",
			]) {
				// `fetch` would tidy the path up before it is sent.
				const sent = request({
					...{ host: "127.0.0.1", port: server.port },
					path: path + search,
				}).end();
				const [response] = await once(sent, "response");
				response.resume();
				assert.ok([403, 404].includes(response.statusCode), path);
			}
		});

		it("can be empty", async () => {
			await objects.put(KEY, new Uint8Array(0));
			const response = await fetch(await objects.downloadUrl(KEY, 60));
			assert.equal(response.status, 200);
			assert.equal((await response.arrayBuffer()).byteLength, 0);
		});
	});
});

describe("readRange", () => {
	for (const [header, range] of [
		[undefined, null],
		["bytes=0-0", { from: 0, to: 1 }],
		["bytes=5-", { from: 5, to: 10 }],
		["bytes=5-100", { from: 5, to: 10 }],
		["bytes=-3", { from: 7, to: 10 }],
		["bytes=-100", { from: 0, to: 10 }],
		["bytes=10-", "unsatisfiable"],
		["bytes=-0", "unsatisfiable"],
		["bytes=5-4", null],
		["bytes=0-1,3-4", null],
		["bytes=-", null],
		["bytes=a-b", null],
		["items=0-1", null],
		["bytes=0-1 ", null],
	] as const) {
		it(`takes ${header} of 10 bytes for ${JSON.stringify(range)}`, () => {
			assert.deepEqual(readRange(header, 10), range);
		});
	}
});
