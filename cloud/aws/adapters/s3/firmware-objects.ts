/** Images of firmware in a private S3 bucket; addresses are presigned (AWS Signature Version 4, in the query). */
import {
	DeleteObjectCommand,
	GetObjectCommand,
	ListObjectsV2Command,
	PutObjectCommand,
	type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import {
	type FirmwareKey,
	type FirmwareObject,
	type FirmwareObjects,
	firmwarePath,
	parseFirmwarePath,
	requireUrlTtl,
} from "../../../core/firmware-objects.ts";
import { orStoreError, statusOf, storeError } from "./errors.ts";

export function s3FirmwareObjects(options: {
	readonly client: S3Client;
	readonly bucket: string;
}): FirmwareObjects {
	const { client, bucket: Bucket } = options;
	const toPut = (key: FirmwareKey, bytes: Uint8Array) => ({
		Bucket,
		Key: firmwarePath(key),
		Body: bytes,
		ContentLength: bytes.length,
		ContentType: "application/octet-stream",
	});
	return {
		async put(key, bytes) {
			const put = new PutObjectCommand(toPut(key, bytes));
			await orStoreError(client.send(put));
		},
		async putNew(key, bytes) {
			// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
			const put = { ...toPut(key, bytes), IfNoneMatch: "*" };
			try {
				await client.send(new PutObjectCommand(put));
			} catch (error) {
				// 409 is what one of several gets that are put at the same moment.
				if ([409, 412].includes(statusOf(error))) return false;
				throw storeError(error);
			}
			return true;
		},
		async read(key, offset, sizeBytes) {
			const Key = firmwarePath(key);
			const Range = `bytes=${offset}-${offset + sizeBytes - 1}`;
			try {
				const { Body } = await client.send(
					new GetObjectCommand({ Bucket, Key, Range }),
				);
				const bytes = await Body?.transformToByteArray();
				return new Uint8Array(bytes ?? []);
			} catch (error) {
				if (statusOf(error) === 404) return null;
				// "InvalidRange": the image ends before.
				if (statusOf(error) === 416) return new Uint8Array(0);
				throw storeError(error);
			}
		},
		async list() {
			const objects: FirmwareObject[] = [];
			let token: string | undefined;
			do {
				const page = await orStoreError(
					client.send(
						new ListObjectsV2Command({
							Bucket,
							...(token === undefined ? {} : { ContinuationToken: token }),
						}),
					),
				);
				for (const { Key = "", Size = 0, LastModified } of page.Contents ??
					[]) {
					const key = parseFirmwarePath(Key);
					// What somebody else has put there is none of ours.
					if (key === null) continue;
					const putMs = LastModified?.getTime() ?? 0;
					objects.push({ ...key, sizeBytes: Size, putMs });
				}
				token = page.NextContinuationToken;
			} while (token !== undefined);
			return objects;
		},
		async downloadUrl(key, ttlS) {
			requireUrlTtl(ttlS);
			const Key = firmwarePath(key);
			return orStoreError(
				getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), {
					expiresIn: ttlS,
				}),
			);
		},
		async delete(key) {
			const Key = firmwarePath(key);
			await orStoreError(client.send(new DeleteObjectCommand({ Bucket, Key })));
		},
	};
}
