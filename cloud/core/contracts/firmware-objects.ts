import assert from "node:assert/strict";
import {
	type FirmwareObjects,
	InvalidFirmwareKey,
} from "../firmware-objects.ts";

const KEY = { version: "1.2.3", board: "esp32-c3", file: "image.bin" };
const IMAGE = Uint8Array.from({ length: 70_000 }, (_, i) => (i * 31) & 0xff);

/**
 * What every store of firmware promises. Addresses are fetched for real.
 * @param makeStore makes one that holds nothing
 */
export function firmwareObjectsContract(
	name: string,
	makeStore: () => Promise<FirmwareObjects>,
): void {
	describe(`${name} as a store of firmware`, () => {
		let objects: FirmwareObjects;

		beforeEach(async () => {
			objects = await makeStore();
		});

		it("lists what was put, by version, board and file", async () => {
			const before = Date.now();
			assert.deepEqual(await objects.list(), []);
			await objects.put({ ...KEY, version: "1.2.4" }, IMAGE);
			await objects.put({ ...KEY, file: "manifest.json" }, Uint8Array.of(1));
			await objects.put(KEY, IMAGE);
			const listed = await objects.list();
			assert.deepEqual(
				listed.map(({ version, board, file, sizeBytes }) => [
					...[version, board, file, sizeBytes],
				]),
				[
					["1.2.3", "esp32-c3", "image.bin", 70_000],
					["1.2.3", "esp32-c3", "manifest.json", 1],
					["1.2.4", "esp32-c3", "image.bin", 70_000],
				],
			);
			for (const { putMs } of listed) {
				// S3 tells whole seconds.
				assert.ok(putMs >= before - 2_000 && putMs <= Date.now() + 1_000);
			}
		});

		it("keeps several of one version and board that are put at once", async () => {
			const files = Array.from({ length: 8 }, (_, i) => ({
				key: { ...KEY, file: `part-${i}` },
				bytes: new Uint8Array(200_000 + i).fill(i),
			}));
			await Promise.all(files.map(({ key, bytes }) => objects.put(key, bytes)));
			for (const { key, bytes } of files) {
				const response = await fetch(await objects.downloadUrl(key, 60));
				const got = Buffer.from(await response.arrayBuffer());
				assert.ok(got.equals(bytes), key.file);
			}
		});

		it("gives an image to whoever has its address, whole and by ranges", async () => {
			await objects.put(KEY, IMAGE);
			const url = await objects.downloadUrl(KEY, 60);
			const whole = await fetch(url);
			assert.equal(whole.status, 200);
			assert.equal(whole.headers.get("accept-ranges"), "bytes");
			assert.deepEqual(
				Buffer.from(await whole.arrayBuffer()),
				Buffer.from(IMAGE),
			);
			for (const [range, from, to] of [
				["bytes=0-99", 0, 100],
				["bytes=69990-", 69_990, 70_000],
				["bytes=69990-80000", 69_990, 70_000],
			] as const) {
				const part = await fetch(url, { headers: { Range: range } });
				assert.equal(part.status, 206, range);
				assert.equal(
					part.headers.get("content-range"),
					`bytes ${from}-${to - 1}/70000`,
				);
				assert.deepEqual(
					Buffer.from(await part.arrayBuffer()),
					Buffer.from(IMAGE.subarray(from, to)),
				);
			}
			const beyond = await fetch(url, { headers: { Range: "bytes=70000-" } });
			assert.equal(beyond.status, 416);
			await beyond.body?.cancel();
		});

		it("takes the new one for the old", async () => {
			await objects.put(KEY, IMAGE);
			await objects.put(KEY, Uint8Array.of(7));
			const response = await fetch(await objects.downloadUrl(KEY, 60));
			assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [7]);
			assert.equal((await objects.list()).length, 1);
		});

		it("puts what is not there yet once, of several that do so at the same time", async () => {
			const tried = [1, 2, 3, 4].map((byte) => Uint8Array.of(byte));
			const put = await Promise.all(
				tried.map((bytes) => objects.putNew(KEY, bytes)),
			);
			assert.equal(put.filter((was) => was).length, 1);
			assert.deepEqual(
				await objects.read(KEY, 0, 10),
				tried[put.indexOf(true)],
			);
			assert.equal(await objects.putNew(KEY, IMAGE), false);
			assert.equal((await objects.list()).length, 1);
		});

		it("reads an image by parts, as far as it goes", async () => {
			await objects.put(KEY, IMAGE);
			for (const [offset, sizeBytes, to] of [
				[0, 70_000, 70_000],
				[0, 2, 2],
				[69_000, 5_000, 70_000],
				[70_000, 10, 70_000],
				[90_000, 10, 90_000],
			] as const) {
				const bytes = await objects.read(KEY, offset, sizeBytes);
				assert.ok(bytes !== null);
				assert.deepEqual(
					Buffer.from(bytes),
					Buffer.from(IMAGE.subarray(offset, to)),
				);
			}
			assert.equal(await objects.read({ ...KEY, file: "x" }, 0, 10), null);
		});

		it("forgets what was deleted, whose address then leads nowhere", async () => {
			await objects.put(KEY, IMAGE);
			const url = await objects.downloadUrl(KEY, 60);
			await objects.delete(KEY);
			await objects.delete(KEY);
			assert.deepEqual(await objects.list(), []);
			const response = await fetch(url);
			assert.equal(response.status, 404);
			await response.body?.cancel();
		});

		it("makes no address that holds for less than a minute or more than an hour", async () => {
			for (const ttlS of [0, 59, 3_601, -60, 60.5, Number.NaN]) {
				await assert.rejects(objects.downloadUrl(KEY, ttlS), RangeError);
			}
			await objects.downloadUrl(KEY, 3_600);
		});

		for (const bad of [
			"",
			".",
			"..",
			"../x",
			"a/b",
			"a\\b",
			".a",
			"a\0",
			"é",
		]) {
			it(`knows no image by ${JSON.stringify(bad)}`, async () => {
				for (const part of ["version", "board", "file"]) {
					const key = { ...KEY, [part]: bad };
					await assert.rejects(objects.put(key, IMAGE), InvalidFirmwareKey);
					await assert.rejects(objects.putNew(key, IMAGE), InvalidFirmwareKey);
					await assert.rejects(objects.read(key, 0, 1), InvalidFirmwareKey);
					await assert.rejects(
						objects.downloadUrl(key, 60),
						InvalidFirmwareKey,
					);
					await assert.rejects(objects.delete(key), InvalidFirmwareKey);
				}
				assert.deepEqual(await objects.list(), []);
			});
		}
	});
}
