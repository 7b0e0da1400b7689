/** How long the message is in which AWS IoT gives a node the job of an update, with addresses as AWS signs them. */
import assert from "node:assert/strict";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import {
	type Release,
	updateJobOf,
} from "../../cloud/core/releases/releases.ts";
import {
	MAX_MESSAGE_BYTES,
	ROOMY_MESSAGE_BYTES,
} from "../../firmware/node/cloud-link.ts";
import { replaceFirmwarePlaceholders } from "../../protocol/firmware-placeholders.ts";
import { fetchesUpdates } from "../../protocol/update-boards.ts";
import { encodeManifest } from "../../protocol/update-manifest.ts";

/** With everything in it that a manifest can have. */
function releaseOf(board: string): Release {
	const content = {
		project: "thinghz",
		board,
		version: "100.100.100",
		securityVersion: 4_294_967_295,
		sizeBytes: 1_507_328,
		sha256: "ab".repeat(32),
		nextKey: `04${"cd".repeat(64)}`,
		delta: {
			fromSha256: "ef".repeat(32),
			fromSizeBytes: 1_507_327,
			sizeBytes: 1_507_326,
			sha256: "01".repeat(32),
		},
	};
	return {
		content,
		manifest: Buffer.from(encodeManifest(content)).toString("base64"),
		signature: Buffer.alloc(64, 0xff).toString("base64"),
		key: "",
		publishedMs: 0,
	};
}

/** An answer to `start-next`, which has more in it than any other message of a job. */
async function messageBytes(
	board: string,
	tokenCharacters: number,
): Promise<number> {
	const client = new S3Client({
		region: "ap-southeast-2",
		credentials: {
			accessKeyId: "ASIAXXXXXXXXXXXXXXXX",
			secretAccessKey: "x",
			// Base64, of which "/", "+" and "=" take three characters in an address.
			sessionToken: "IQoJb3JpZ2lu/+9".repeat(tokenCharacters / 15),
		},
	});
	let document = JSON.stringify(await updateJobOf(releaseOf(board)));
	const paths: string[] = [];
	replaceFirmwarePlaceholders(document, (path) => {
		paths.push(path);
		return "";
	});
	const addresses = new Map<string, string>();
	for (const path of paths) {
		const Bucket = "thinghz-firmware-123456789012-ap-southeast-2";
		const command = new GetObjectCommand({ Bucket, Key: path });
		addresses.set(path, await getSignedUrl(client, command));
	}
	document = replaceFirmwarePlaceholders(
		document,
		(path) => addresses.get(path) ?? "",
	);
	const atS = 1_790_000_000;
	return Buffer.byteLength(
		JSON.stringify({
			clientToken: "12345678",
			timestamp: atS,
			execution: {
				jobId: "j".repeat(64),
				status: "IN_PROGRESS",
				queuedAt: atS,
				startedAt: atS,
				lastUpdatedAt: atS,
				versionNumber: 1000,
				executionNumber: 10,
				jobDocument: JSON.parse(document),
			},
		}),
	);
}

describe("the message with an update's job", () => {
	for (const board of [
		"virtual",
		"virtual32",
		"qemu",
		"esp32",
		"esp32c3",
		"esp32s3",
		"somebody-elses",
	]) {
		it(`is one that the board ${board} can receive, however long AWS's session tokens are`, async () => {
			const mostBytes = fetchesUpdates(board)
				? ROOMY_MESSAGE_BYTES
				: MAX_MESSAGE_BYTES;
			for (const characters of [0, 1500, 3000]) {
				const bytes = await messageBytes(board, characters);
				assert.ok(bytes <= mostBytes, `${characters}: ${bytes}`);
			}
		});
	}

	it("would be too long for a board whose memory is short, with its addresses", async () => {
		assert.ok((await messageBytes("virtual", 1500)) > MAX_MESSAGE_BYTES);
	});
});
