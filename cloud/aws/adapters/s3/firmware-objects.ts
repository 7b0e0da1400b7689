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
	type FirmwareObject,
	type FirmwareObjects,
	firmwarePath,
	parseFirmwarePath,
	requireUrlTtl,
} from "../../../core/firmware-objects.ts";
import { StoreError } from "../../../core/ports.ts";

export function s3FirmwareObjects(options: {
	readonly client: S3Client;
	readonly bucket: string;
}): FirmwareObjects {
	const { client, bucket: Bucket } = options;
	return {
		async put(key, bytes) {
			const Key = firmwarePath(key);
			await orStoreError(
				client.send(
					new PutObjectCommand({
						Bucket,
						Key,
						Body: bytes,
						ContentLength: bytes.length,
						ContentType: "application/octet-stream",
					}),
				),
			);
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

/** @throws StoreError "unavailable" */
async function orStoreError<T>(answer: Promise<T>): Promise<T> {
	try {
		return await answer;
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new StoreError(
			"unavailable",
			`The bucket of firmware did not do what it was asked: ${reason}`,
			{ cause },
		);
	}
}
