import assert from "node:assert/strict";
import { judgeJobDocument } from "../../../protocol/job-documents.ts";
import {
	type MemoryFirmware,
	memoryFirmware,
} from "../fakes/memory-firmware.ts";
import {
	signedUpdate,
	type TestKey,
	type TestUpdate,
	testKey,
} from "../fakes/signed-update.ts";
import { requireDocument } from "../jobs/document.ts";
import { StoreError } from "../ports.ts";
import { ReleaseError } from "./errors.ts";
import { MAX_IMAGE_BYTES, Releases, updateJobOf } from "./releases.ts";

describe("Releases of firmware", () => {
	let firmware: MemoryFirmware;
	let releases: Releases;
	let key: TestKey;
	let streams: Map<string, readonly string[]>;
	let nowMs: number;

	beforeEach(async () => {
		firmware = memoryFirmware();
		streams = new Map();
		nowMs = 1_790_000_000_000;
		releases = new Releases({
			...firmware,
			streams: {
				async make(id, _description, files) {
					streams.set(
						id,
						files.map(({ file }) => file),
					);
				},
				async remove(id) {
					streams.delete(id);
				},
			},
			clock: { nowMs: () => nowMs },
		});
		key = await testKey();
		await releases.setKey(key.publicKey);
	});

	/** What a client does: uploads what is asked for. */
	async function upload(update: TestUpdate): Promise<string[]> {
		const uploads = await releases.uploadsFor(update);
		for (const { file, url, sizeBytes } of uploads) {
			const bytes = file === "image" ? update.image : update.delta;
			assert.equal(bytes?.length, sizeBytes);
			firmware.files.set(url.replace("/v1/firmware/", ""), bytes!);
		}
		return uploads.map(({ file }) => file);
	}

	async function publish(update: TestUpdate) {
		await upload(update);
		return releases.publish(update);
	}

	async function codeOf(work: Promise<unknown>): Promise<string> {
		try {
			await work;
		} catch (error) {
			assert.ok(error instanceof ReleaseError, String(error));
			return error.code;
		}
		return "none";
	}

	it("are published once all of them is uploaded, and listed by board, newest first", async () => {
		const update = await signedUpdate(key, {}, { hasDelta: true });
		assert.deepEqual(await upload(update), ["image", "delta"]);
		assert.deepEqual(await upload(update), []);
		const { release, isNew } = await releases.publish(update);
		assert.equal(isNew, true);
		const { content, manifest, signature } = update;
		assert.deepEqual(release, {
			...{ content, manifest, signature },
			key: key.publicKey,
			publishedMs: nowMs,
		});
		await publish(await signedUpdate(key, { version: "1.10.0" }));
		await publish(await signedUpdate(key, { version: "1.9.0" }));
		await publish(await signedUpdate(key, { board: "esp32c3" }));
		assert.deepEqual(
			(await releases.list()).map(({ content: { board, version } }) => [
				board,
				version,
			]),
			[
				["esp32c3", "1.2.0"],
				["virtual", "1.10.0"],
				["virtual", "1.9.0"],
				["virtual", "1.2.0"],
			],
		);
		assert.deepEqual(await releases.get("1.2.0", "virtual"), release);
	});

	it("do not change when they are published again, also with another signature", async () => {
		const update = await signedUpdate(key);
		const { release } = await publish(update);
		nowMs += 1000;
		const again = await signedUpdate(key);
		assert.notEqual(again.signature, update.signature);
		assert.deepEqual(await publish(again), { release, isNew: false });
	});

	it("are not replaced by other bytes of the same version", async () => {
		await publish(await signedUpdate(key));
		const other = await signedUpdate(key, {}, { imageByte: 2 });
		assert.equal(await codeOf(releases.uploadsFor(other)), "release_exists");
		assert.equal(await codeOf(releases.publish(other)), "release_exists");
		await publish(await signedUpdate(key, { board: "esp32c3" }));
	});

	it("are published by one of two who publish different bytes at once", async () => {
		const updates = [
			await signedUpdate(key, {}, { imageByte: 3 }),
			await signedUpdate(key, {}, { imageByte: 4 }),
		];
		for (const update of updates) await upload(update);
		const outcomes = await Promise.all(
			updates.map((update) => codeOf(releases.publish(update))),
		);
		assert.deepEqual([...outcomes].sort(), ["none", "release_exists"]);
		const { manifest } = await releases.get("1.2.0", "virtual");
		assert.equal(manifest, updates[outcomes.indexOf("none")]?.manifest);
	});

	it("need what they are made of", async () => {
		const update = await signedUpdate(key, {}, { hasDelta: true });
		assert.equal(await codeOf(releases.publish(update)), "not_uploaded");
		await upload(update);
		const { version, board, sha256, delta } = update.content;
		const path = (file = "") => `${version}/${board}/${file}`;
		const image = firmware.files.get(path(sha256));
		assert.ok(image !== undefined);
		for (const wrong of [
			image.slice(1),
			new Uint8Array([...image, 0]),
			image.map((byte, at) => (at === 7 ? byte + 1 : byte)),
		]) {
			firmware.files.set(path(sha256), wrong);
			assert.equal(await codeOf(releases.publish(update)), "wrong_image");
		}
		firmware.files.set(path(sha256), image);
		firmware.files.delete(path(delta?.sha256));
		assert.equal(await codeOf(releases.publish(update)), "not_uploaded");
		assert.deepEqual(await releases.list(), []);
	});

	it("are signed by the cloud's key, or by one that a release has handed over to", async () => {
		const other = await testKey();
		const stolen = await signedUpdate(other, { version: "1.3.0" });
		assert.equal(await codeOf(releases.uploadsFor(stolen)), "signature_wrong");
		assert.equal(await codeOf(releases.publish(stolen)), "signature_wrong");
		await publish(await signedUpdate(key, { nextKey: other.publicKey }));
		const { release } = await publish(stolen);
		assert.equal(release.key, other.publicKey);
		const elsewhere = await signedUpdate(other, { board: "esp32c3" });
		assert.equal(await codeOf(releases.publish(elsewhere)), "signature_wrong");
	});

	it("are signed by the next key alone from the version on that hands over; those below it by the key before as well", async () => {
		const next = await testKey();
		const handing = { version: "1.2.0", nextKey: next.publicKey };
		const handOver = await signedUpdate(key, handing);
		await publish(handOver);
		assert.equal((await publish(handOver)).isNew, false);
		const stale = await signedUpdate(key, { version: "1.2.1" });
		assert.equal(await codeOf(releases.uploadsFor(stale)), "key_handed_over");
		assert.equal(await codeOf(releases.publish(stale)), "key_handed_over");
		await publish(await signedUpdate(key, { version: "1.1.9" }));
		await publish(
			await signedUpdate(key, { version: "2.0.0", board: "esp32c3" }),
		);
		await publish(await signedUpdate(next, { version: "1.2.1" }));
	});

	it("may be signed by either key once the release that handed over has been withdrawn: some nodes may have taken it", async () => {
		const next = await testKey();
		const handing = { version: "1.2.0", nextKey: next.publicKey };
		await publish(await signedUpdate(key, handing));
		await releases.withdraw("1.2.0", "virtual");
		assert.deepEqual(await releases.list(), []);
		await publish(await signedUpdate(next, { version: "1.3.0" }));
		await publish(await signedUpdate(key, { version: "1.4.0" }));
		// The version may come again, and hand over to yet another.
		const third = await testKey();
		await publish(
			await signedUpdate(key, { ...handing, nextKey: third.publicKey }),
		);
		await releases.withdraw("1.2.0", "virtual");
		await publish(await signedUpdate(third, { version: "1.5.0" }));
		await publish(await signedUpdate(next, { version: "1.6.0" }));
	});

	it("are not what somebody has changed in any way", async () => {
		const { manifest, signature } = await signedUpdate(key);
		const changed = (text: string) => {
			const bytes = Buffer.from(text, "base64");
			bytes[20] = (bytes[20] ?? 0) ^ 1;
			return bytes.toString("base64");
		};
		for (const [code, update] of [
			["signature_wrong", { manifest, signature: changed(signature) }],
			["signature_wrong", { manifest, signature: "AAAA" }],
			["bad_update", { manifest: changed(manifest), signature }],
			["bad_update", { manifest: "e30=", signature }],
			["bad_update", { manifest: "?", signature }],
			["bad_update", { manifest, signature: "?" }],
		] as const) {
			assert.equal(await codeOf(releases.uploadsFor(update)), code);
			assert.equal(await codeOf(releases.publish(update)), code);
		}
	});

	it("have names that can be those of files, and images that some slot could hold", async () => {
		for (const changes of [
			{ board: "_x" },
			{ board: ".." },
			{ sizeBytes: MAX_IMAGE_BYTES + 1 },
		]) {
			const update = await signedUpdate(key, changes);
			assert.equal(await codeOf(releases.uploadsFor(update)), "bad_update");
		}
	});

	it("need a key, which is given once", async () => {
		const { publicKey } = key;
		assert.equal(await releases.key(), publicKey);
		await releases.setKey(publicKey);
		const other = await testKey();
		const given = releases.setKey(other.publicKey);
		assert.equal(await codeOf(given), "other_update_key");
		for (const wrong of ["", "04", `04${"00".repeat(64)}`, publicKey.slice(2)])
			assert.equal(await codeOf(releases.setKey(wrong)), "bad_update");
		const fresh = new Releases({
			...memoryFirmware(),
			streams: null,
			clock: { nowMs: () => nowMs },
		});
		const update = await signedUpdate(key);
		assert.equal(await codeOf(fresh.uploadsFor(update)), "no_update_key");
	});

	it("make a document that a node and a job take, with a stream of their files", async () => {
		const update = await signedUpdate(key, {}, { hasDelta: true });
		const { release } = await publish(update);
		const document = await updateJobOf(release);
		assert.deepEqual(judgeJobDocument(document), { ok: document });
		requireDocument(document, false);
		const { sha256, delta } = update.content;
		assert.equal(document.url, `\${thinghz:firmware:1.2.0/virtual/${sha256}}`);
		assert.equal(
			document.deltaUrl,
			`\${thinghz:firmware:1.2.0/virtual/${delta?.sha256}}`,
		);
		assert.deepEqual(
			[...streams],
			[[document.stream, [sha256, delta?.sha256]]],
		);
		const whole = await publish(await signedUpdate(key, { version: "1.3.0" }));
		assert.ok(!("deltaUrl" in (await updateJobOf(whole.release))));
	});

	it("name a stream and no address for boards whose memory is short", async () => {
		const board = "esp32c3";
		const update = await signedUpdate(key, { board }, { hasDelta: true });
		const { release } = await publish(update);
		const document = await updateJobOf(release);
		requireDocument(document, false);
		assert.deepEqual(Object.keys(document), [
			"operation",
			"version",
			"manifest",
			"signature",
			"stream",
		]);
		const { sha256, delta } = update.content;
		assert.deepEqual(streams.get(document.stream ?? ""), [
			sha256,
			delta?.sha256,
		]);
	});

	it("are gone altogether once they are withdrawn", async () => {
		const update = await signedUpdate(key, {}, { hasDelta: true });
		await publish(update);
		await releases.withdraw("1.2.0", "virtual");
		assert.deepEqual([...firmware.files], []);
		assert.deepEqual([...streams], []);
		assert.equal(
			await codeOf(releases.withdraw("1.2.0", "virtual")),
			"unknown_release",
		);
	});

	it("that are not there are not found by any name", async () => {
		for (const [version, board] of [
			["1.2.0", "virtual"],
			["..", ".."],
			["", ""],
		] as const) {
			assert.equal(
				await codeOf(releases.get(version, board)),
				"unknown_release",
			);
		}
	});

	it("are not published where the stream cannot be made", async () => {
		const failure = new StoreError("unavailable", "AWS IoT");
		const failing = new Releases({
			...firmware,
			streams: {
				make: () => Promise.reject(failure),
				remove: () => Promise.reject(failure),
			},
			clock: { nowMs: () => nowMs },
		});
		const update = await signedUpdate(key);
		await upload(update);
		await assert.rejects(failing.publish(update), failure);
		assert.deepEqual(await releases.list(), []);
		await releases.publish(update);
	});
});
