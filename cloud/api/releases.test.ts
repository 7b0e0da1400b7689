import assert from "node:assert/strict";
import {
	signedUpdate,
	type TestKey,
	type TestUpdate,
	testKey,
} from "../core/fakes/signed-update.ts";
import { MAX_IMAGE_BYTES } from "../core/releases/releases.ts";
import {
	type FakeCloud,
	fakeCloud,
	jsonOf,
	problemOf,
} from "./fakes/fake-cloud.ts";

interface Uploads {
	readonly uploads: readonly {
		readonly file: "image" | "delta";
		readonly url: string;
		readonly sha256: string;
	}[];
}

describe("/v1/firmware", () => {
	let cloud: FakeCloud;
	let key: TestKey;

	beforeEach(async () => {
		cloud = fakeCloud();
		key = await testKey();
	});

	const send = (method: string, path: string, body?: unknown) =>
		cloud.getAs("operator", path, {
			method,
			...(body === undefined
				? {}
				: {
						body: JSON.stringify(body),
						headers: { "Content-Type": "application/json" },
					}),
		});
	const put = (path: string, bytes: Uint8Array<ArrayBuffer>) =>
		cloud.getAs("operator", path, {
			method: "PUT",
			body: bytes,
			headers: { "Content-Type": "application/octet-stream" },
		});
	const bodyOf = ({ manifest, signature }: TestUpdate) => ({
		manifest,
		signature,
	});
	const typeOf = async (response: Response) =>
		(await problemOf(response)).type.replace("/problems/", "");
	const trust = () => send("PUT", "/v1/firmware/key", { key: key.publicKey });

	async function upload(update: TestUpdate): Promise<void> {
		const asked = await send("POST", "/v1/firmware/uploads", bodyOf(update));
		assert.equal(asked.status, 200);
		const { uploads } = await jsonOf<Uploads>(asked);
		for (const { file, url } of uploads) {
			const bytes = file === "image" ? update.image : update.delta;
			assert.equal((await put(url, bytes!)).status, 204);
		}
	}

	it("takes a key, images and updates, and lists them with the document of a job", async () => {
		assert.deepEqual(await jsonOf(await send("GET", "/v1/firmware")), {
			key: null,
			releases: [],
		});
		assert.equal((await trust()).status, 200);
		const update = await signedUpdate(key, {}, { hasDelta: true });
		await upload(update);
		const published = await send("POST", "/v1/firmware", bodyOf(update));
		assert.equal(published.status, 201);
		const release = await jsonOf<Record<string, unknown>>(published);
		assert.deepEqual(
			[release.version, release.board, release.key, release.nextKey],
			["1.2.0", "virtual", key.publicKey, null],
		);
		const again = await send("POST", "/v1/firmware", bodyOf(update));
		assert.equal(again.status, 200);
		assert.deepEqual(await jsonOf(again), release);
		assert.deepEqual(
			await jsonOf(await send("GET", "/v1/firmware/1.2.0/virtual")),
			release,
		);
		assert.deepEqual(await jsonOf(await send("GET", "/v1/firmware")), {
			key: key.publicKey,
			releases: [release],
		});
		const job = await send("POST", "/v1/jobs", {
			id: "update",
			document: release.document,
			devices: ["boiler"],
		});
		assert.equal(job.status, 201);
		const gone = await send("DELETE", "/v1/firmware/1.2.0/virtual");
		assert.equal(gone.status, 204);
		assert.equal(
			await typeOf(await send("GET", "/v1/firmware/1.2.0/virtual")),
			"unknown_release",
		);
	});

	it("says what keeps an update from being published", async () => {
		const update = await signedUpdate(key);
		const prepare = (body: unknown) =>
			send("POST", "/v1/firmware/uploads", body);
		assert.equal(await typeOf(await prepare(bodyOf(update))), "no_update_key");
		await trust();
		const other = await testKey();
		const stolen = await signedUpdate(other);
		assert.equal(
			await typeOf(await prepare(bodyOf(stolen))),
			"signature_wrong",
		);
		const given = await send("PUT", "/v1/firmware/key", {
			key: other.publicKey,
		});
		assert.equal(given.status, 409);
		assert.equal(await typeOf(given), "other_update_key");
		const early = await send("POST", "/v1/firmware", bodyOf(update));
		assert.equal(early.status, 409);
		assert.equal(await typeOf(early), "not_uploaded");
		await upload(update);
		await send("POST", "/v1/firmware", bodyOf(update));
		const changed = await signedUpdate(key, { securityVersion: 1 });
		const refused = await send("POST", "/v1/firmware", bodyOf(changed));
		assert.equal(refused.status, 409);
		assert.equal(await typeOf(refused), "release_exists");
		for (const body of [
			{},
			{ ...bodyOf(update), extra: 1 },
			{ manifest: "?", signature: "?" },
			{ manifest: "e30=", signature: "AAAA" },
		]) {
			assert.equal(await typeOf(await prepare(body)), "invalid_request");
		}
		assert.equal(
			await typeOf(await send("PUT", "/v1/firmware/key", { key: "04" })),
			"invalid_request",
		);
	});

	it("takes as an upload the bytes of the name's hash alone, and not too many", async () => {
		const path = `/v1/firmware/1.2.0/virtual/${"ab".repeat(32)}`;
		const wrong = await put(path, Uint8Array.of(1, 2, 3));
		assert.equal(wrong.status, 400);
		assert.equal(await typeOf(wrong), "wrong_image");
		const large = await put(path, new Uint8Array(MAX_IMAGE_BYTES + 1));
		assert.equal(large.status, 413);
		assert.equal(
			await typeOf(await put(path, new Uint8Array(0))),
			"wrong_image",
		);
		const json = await send("PUT", path, {});
		assert.equal(await typeOf(json), "unsupported_media_type");
		for (const name of ["image", "AB".repeat(32), "ab".repeat(31)]) {
			const response = await put(
				`/v1/firmware/1.2.0/virtual/${name}`,
				Uint8Array.of(1),
			);
			assert.equal(await typeOf(response), "invalid_request");
		}
	});

	it("tells where uploads go that do not come here", async () => {
		cloud = fakeCloud({ uploads: { receive: null } });
		const path = `/v1/firmware/1.2.0/virtual/${"ab".repeat(32)}`;
		const response = await put(path, Uint8Array.of(1));
		assert.equal(await typeOf(response), "not_possible");
	});

	it("does not know what is not there, whatever its name", async () => {
		for (const path of ["9.9.9/virtual", "1.2.0/none", "key/x"]) {
			for (const method of ["GET", "DELETE"]) {
				const response = await send(method, `/v1/firmware/${path}`);
				assert.equal(response.status, 404, path);
			}
		}
		const bad = await send("GET", "/v1/firmware/..%2F..%2Fx/virtual");
		assert.equal(bad.status, 400);
	});
});
