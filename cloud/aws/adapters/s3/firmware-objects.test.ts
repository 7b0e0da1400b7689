/**
 * Against `s3rver`, which stores and serves for real, checks no signature, and takes the last bytes that are asked for to
 * be the first: what S3 refuses is not shown here. It knows no conditional writes, either: `onlyNew` does those before the request leaves.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	CreateBucketCommand,
	HeadObjectCommand,
	type HeadObjectCommandInput,
	type PutObjectCommandInput,
	S3Client,
	S3ServiceException,
} from "@aws-sdk/client-s3";
import S3rver from "s3rver";
import { firmwareObjectsContract } from "../../../core/contracts/firmware-objects.ts";
import {
	firmwareUploadsContract,
	updateKeysContract,
} from "../../../core/contracts/firmware-releases.ts";
import { StoreError } from "../../../core/ports.ts";
import { s3FirmwareObjects } from "./firmware-objects.ts";
import { s3FirmwareUploads, s3UpdateKeys } from "./firmware-uploads.ts";

describe("firmware on S3", () => {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-s3-"));
	let server: S3rver;
	let client: S3Client;
	let buckets = 0;

	before(async () => {
		server = new S3rver({
			address: "127.0.0.1",
			port: 0,
			directory: dir,
			silent: true,
		});
		const { port } = await server.run();
		client = new S3Client({
			region: "us-east-1",
			endpoint: `http://127.0.0.1:${port}`,
			forcePathStyle: true,
			credentials: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
			// s3rver stores the SDK's checksum trailers as if they were content.
			requestChecksumCalculation: "WHEN_REQUIRED",
			responseChecksumValidation: "WHEN_REQUIRED",
		});
		onlyNew();
	});
	after(async () => {
		client.destroy();
		await server.close();
		rmSync(dir, { recursive: true });
	});

	/** "If-None-Match: *", as S3's user guide says ("Conditional writes"): 412 where there is an object of that key. */
	function onlyNew(): void {
		let turn: Promise<unknown> = Promise.resolve();
		client.middlewareStack.add(
			(next, { commandName }) =>
				async (args) => {
					const { Bucket, Key, IfNoneMatch } =
						args.input as PutObjectCommandInput;
					if (commandName !== "PutObjectCommand" || IfNoneMatch === undefined) {
						return next(args);
					}
					const put = turn.then(async () => {
						if (await exists({ Bucket, Key })) throw preconditionFailed();
						return next(args);
					});
					turn = put.catch(() => undefined);
					return put;
				},
			{ step: "initialize" },
		);
	}

	async function exists(input: HeadObjectCommandInput): Promise<boolean> {
		try {
			await client.send(new HeadObjectCommand(input));
			return true;
		} catch {
			return false;
		}
	}

	function preconditionFailed(): S3ServiceException {
		return new S3ServiceException({
			name: "PreconditionFailed",
			$fault: "client",
			$metadata: { httpStatusCode: 412 },
			message: "At least one of the pre-conditions you specified did not hold",
		});
	}

	async function makeObjects() {
		const bucket = `firmware-${++buckets}`;
		await client.send(new CreateBucketCommand({ Bucket: bucket }));
		return s3FirmwareObjects({ client, bucket });
	}

	firmwareObjectsContract("S3", makeObjects);

	firmwareUploadsContract("S3", async () => {
		const objects = await makeObjects();
		return {
			objects,
			uploads: s3FirmwareUploads({ client, bucket: `firmware-${buckets}` }),
			async send(url, headers, body) {
				const response = await fetch(url, { method: "PUT", headers, body });
				await response.body?.cancel();
				return response.ok;
			},
		};
	});

	updateKeysContract("S3", async () => {
		await makeObjects();
		return s3UpdateKeys({ client, bucket: `firmware-${buckets}` });
	});

	it("signs the hash and the size of what may be uploaded, for a quarter of an hour", async () => {
		const uploads = s3FirmwareUploads({ client, bucket: "images" });
		const sha256 = "0f".repeat(32);
		const { url, headers } = await uploads.address({
			key: { version: "1.0.0", board: "esp32", file: sha256 },
			sizeBytes: 5000,
			sha256,
		});
		const { searchParams } = new URL(url);
		assert.equal(searchParams.get("X-Amz-Expires"), "900");
		assert.deepEqual(
			searchParams.get("X-Amz-SignedHeaders")?.split(";").sort(),
			["content-length", "host", "x-amz-checksum-sha256"],
		);
		assert.deepEqual(headers, {
			"x-amz-checksum-sha256": Buffer.from(sha256, "hex").toString("base64"),
		});
	});

	it("signs addresses for this bucket, key and time alone", async () => {
		const objects = await makeObjects();
		const key = { version: "1.0.0", board: "esp32", file: "a+b.bin" };
		const url = new URL(await objects.downloadUrl(key, 600));
		assert.match(url.pathname, /\/firmware-\d+\/1\.0\.0\/esp32\/a%2Bb\.bin$/);
		assert.equal(url.searchParams.get("X-Amz-Expires"), "600");
		assert.equal(url.searchParams.get("X-Amz-SignedHeaders"), "host");
		assert.match(
			url.searchParams.get("X-Amz-Signature") ?? "",
			/^[0-9a-f]{64}$/,
		);
	});

	it("says that the bucket did not do what it was asked", async () => {
		const objects = s3FirmwareObjects({ client, bucket: "not-there" });
		await assert.rejects(objects.list(), StoreError);
	});
});
