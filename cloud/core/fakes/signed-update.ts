/** Updates as `thinghz ota sign` makes them, for tests: of bytes that are no application, which only nodes and the command look at. */
import {
	encodeManifest,
	type UpdateManifest,
} from "../../../protocol/update-manifest.ts";
import { toBase64 } from "../base64.ts";
import type { SignedUpdate } from "../releases/releases.ts";
import { hexOf, sha256Hex } from "../releases/signature.ts";
import { someManifest } from "./update-document.ts";

export interface TestKey {
	readonly publicKey: string;
	sign(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

export async function testKey(): Promise<TestKey> {
	const algorithm = { name: "ECDSA", namedCurve: "P-256" };
	const pair = (await crypto.subtle.generateKey(algorithm, true, [
		"sign",
		"verify",
	])) as { privateKey: never; publicKey: never };
	const point = await crypto.subtle.exportKey("raw", pair.publicKey);
	return {
		publicKey: hexOf(new Uint8Array(point)),
		async sign(bytes) {
			const by = { name: "ECDSA", hash: "SHA-256" };
			return new Uint8Array(
				await crypto.subtle.sign(by, pair.privateKey, bytes),
			);
		},
	};
}

export interface TestUpdate extends SignedUpdate {
	readonly content: UpdateManifest;
	readonly image: Uint8Array<ArrayBuffer>;
	readonly delta: Uint8Array<ArrayBuffer> | null;
}

export async function signedUpdate(
	key: TestKey,
	changes: Partial<UpdateManifest> = {},
	{ imageByte = 1, hasDelta = false } = {},
): Promise<TestUpdate> {
	const image = new Uint8Array(3000).fill(imageByte);
	const delta = hasDelta ? new Uint8Array(200).fill(imageByte) : null;
	const content = someManifest({
		sizeBytes: image.length,
		sha256: await sha256Hex(image),
		...(delta === null
			? {}
			: {
					delta: {
						fromSha256: "cd".repeat(32),
						fromSizeBytes: 2900,
						sizeBytes: delta.length,
						sha256: await sha256Hex(delta),
					},
				}),
		...changes,
	});
	const manifest = new Uint8Array(encodeManifest(content));
	return {
		content,
		image,
		delta,
		manifest: toBase64(manifest),
		signature: toBase64(await key.sign(manifest)),
	};
}
