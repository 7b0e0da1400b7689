/** Firmware in memory, for tests: objects, uploads that come to the API, and the key of updates. */
import {
	type FirmwareKey,
	type FirmwareObjects,
	firmwarePath,
	parseFirmwarePath,
} from "../firmware-objects.ts";
import {
	type FirmwareUploads,
	type UpdateKeys,
	UploadError,
} from "../releases/ports.ts";
import { sha256Hex } from "../releases/signature.ts";

export interface MemoryFirmware {
	readonly objects: FirmwareObjects;
	readonly uploads: FirmwareUploads;
	readonly keys: UpdateKeys;
	/** By path. */
	readonly files: Map<string, Uint8Array<ArrayBuffer>>;
}

export function memoryFirmware(): MemoryFirmware {
	const files = new Map<string, Uint8Array<ArrayBuffer>>();
	let updateKey: string | null = null;
	const put = (key: FirmwareKey, bytes: Uint8Array) =>
		files.set(firmwarePath(key), new Uint8Array(bytes));
	return {
		files,
		objects: {
			async put(key, bytes) {
				put(key, bytes);
			},
			async putNew(key, bytes) {
				if (files.has(firmwarePath(key))) return false;
				put(key, bytes);
				return true;
			},
			async read(key, offset, sizeBytes) {
				const bytes = files.get(firmwarePath(key));
				return bytes?.slice(offset, offset + sizeBytes) ?? null;
			},
			async list() {
				return [...files].sort().flatMap(([path, { length }]) => {
					const key = parseFirmwarePath(path);
					return key === null ? [] : [{ ...key, sizeBytes: length, putMs: 0 }];
				});
			},
			async downloadUrl(key) {
				return `https://here/${firmwarePath(key)}`;
			},
			async delete(key) {
				files.delete(firmwarePath(key));
			},
		},
		uploads: {
			async address({ key }) {
				return { url: `/v1/firmware/${firmwarePath(key)}`, headers: {} };
			},
			async receive(key, body, maxBytes) {
				const bytes = new Uint8Array(await new Response(body).arrayBuffer());
				if (bytes.length > maxBytes) {
					throw new UploadError("too_large", "It is too large.");
				}
				if ((await sha256Hex(bytes)) !== key.file) {
					throw new UploadError("wrong_hash", "It has another hash.");
				}
				put(key, bytes);
			},
		},
		keys: {
			get: async () => updateKey,
			async putNew(key) {
				updateKey ??= key;
				return updateKey;
			},
		},
	};
}
