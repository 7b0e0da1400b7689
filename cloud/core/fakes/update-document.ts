/** The document of an update job, for tests: of a manifest that is whole, with a signature that is none. */
import { firmwarePlaceholder } from "../../../protocol/firmware-placeholders.ts";
import {
	encodeManifest,
	type UpdateManifest,
} from "../../../protocol/update-manifest.ts";
import { toBase64 } from "../base64.ts";

export function someManifest(
	changes: Partial<UpdateManifest> = {},
): UpdateManifest {
	return {
		project: "thinghz",
		board: "virtual",
		version: "1.2.0",
		securityVersion: 0,
		sizeBytes: 1000,
		sha256: "ab".repeat(32),
		...changes,
	};
}

export function updateDocument(
	manifest: UpdateManifest,
	changes: Readonly<Record<string, unknown>> = {},
): string {
	const { version, board, delta } = manifest;
	return JSON.stringify({
		operation: "update",
		version: 1,
		manifest: toBase64(encodeManifest(manifest)),
		signature: toBase64(new Uint8Array(64)),
		url: firmwarePlaceholder(`${version}/${board}/image`),
		...(delta === undefined
			? {}
			: { deltaUrl: firmwarePlaceholder(`${version}/${board}/delta`) }),
		stream: "image-1",
		...changes,
	});
}
