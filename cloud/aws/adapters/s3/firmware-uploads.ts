/** Uploads of firmware straight to the bucket, by presigned addresses that take these very bytes and no others; and the key of updates. */
import {
	GetObjectCommand,
	PutObjectCommand,
	type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { firmwarePath } from "../../../core/firmware-objects.ts";
import type {
	FirmwareUploads,
	UpdateKeys,
} from "../../../core/releases/ports.ts";
import { orStoreError, statusOf, storeError } from "./errors.ts";

const UPLOAD_TTL_S = 900;
/** At the bucket's root, where no image can be. */
const KEY_OBJECT = "ota-key.pub";

interface Options {
	readonly client: S3Client;
	readonly bucket: string;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export function s3FirmwareUploads({
	client,
	bucket,
}: Options): FirmwareUploads {
	return {
		async address({ key, sizeBytes, sha256 }) {
			const checksum = Buffer.from(sha256, "hex").toString("base64");
			const command = new PutObjectCommand({
				Bucket: bucket,
				Key: firmwarePath(key),
				ContentLength: sizeBytes,
				ChecksumSHA256: checksum,
			});
			const url = await orStoreError(
				getSignedUrl(client, command, {
					expiresIn: UPLOAD_TTL_S,
					// As a header it is signed, so S3 insists on it and compares what comes with it.
					unhoistableHeaders: new Set(["x-amz-checksum-sha256"]),
				}),
			);
			return { url, headers: { "x-amz-checksum-sha256": checksum } };
		},
		receive: null,
	};
}

export function s3UpdateKeys({ client, bucket }: Options): UpdateKeys {
	const place = { Bucket: bucket, Key: KEY_OBJECT };
	async function get(): Promise<string | null> {
		try {
			const { Body } = await client.send(new GetObjectCommand(place));
			return (await Body?.transformToString())?.trim() ?? null;
		} catch (error) {
			if (statusOf(error) === 404) return null;
			throw storeError(error);
		}
	}
	return {
		get,
		async putNew(key) {
			const put = { ...place, Body: `${key}\n`, IfNoneMatch: "*" };
			try {
				await client.send(new PutObjectCommand(put));
			} catch (error) {
				if (![409, 412].includes(statusOf(error))) throw storeError(error);
			}
			return (await get()) ?? key;
		},
	};
}
