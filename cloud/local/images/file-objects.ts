/**
 * Images of firmware as files: `DIR/VERSION/BOARD/FILE`. Their addresses carry until when they hold and an HMAC over
 * that and the path; `firmwareDownloads` serves them.
 */
import {
	createHash,
	createHmac,
	randomBytes,
	timingSafeEqual,
} from "node:crypto";
import {
	type FileHandle,
	link,
	mkdir,
	open,
	readdir,
	rename,
	rm,
	stat,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import {
	type FirmwareKey,
	type FirmwareObject,
	type FirmwareObjects,
	firmwarePath,
	parseFirmwarePath,
	requireUrlTtl,
} from "../../core/firmware-objects.ts";
import { type Clock, StoreError } from "../../core/ports.ts";
import {
	type FirmwareUploads,
	UploadError,
} from "../../core/releases/ports.ts";

/** In the data folder. */
export const FIRMWARE_FOLDER = "firmware";
/** Where addresses begin, after the server's own. */
export const DOWNLOADS_PATH = "/firmware/";
const CONTEXT = "thinghz firmware 1";

export interface FileFirmwareOptions {
	readonly dir: string;
	/** Of the data folder; see `loadSecret`. */
	readonly secret: Uint8Array;
	/** Address of the HTTP server as nodes reach it, without a slash at the end. */
	readonly baseUrl: () => string;
	readonly clock: Clock;
}

export function fileFirmwareObjects(
	options: FileFirmwareOptions,
): FirmwareObjects {
	const { dir, secret, clock } = options;
	return {
		async put(key, bytes) {
			const path = join(dir, firmwarePath(key));
			await orStoreError(writeDurably(path, [bytes], rename));
		},
		async putNew(key, bytes) {
			const path = join(dir, firmwarePath(key));
			try {
				// Unlike `rename`, it does not take the place of what is there.
				await writeDurably(path, [bytes], link);
			} catch (error) {
				if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
				throw storeError(error);
			}
			return true;
		},
		async read(key, offset, sizeBytes) {
			const path = join(dir, firmwarePath(key));
			return orStoreError(readPart(path, offset, sizeBytes));
		},
		list: () => orStoreError(listFiles(dir)),
		async downloadUrl(key, ttlS) {
			requireUrlTtl(ttlS);
			const path = firmwarePath(key);
			const expiresS = Math.floor(clock.nowMs() / 1_000) + ttlS;
			const query = new URLSearchParams({
				expires: String(expiresS),
				signature: sign(secret, path, expiresS).toString("base64url"),
			});
			const url = path.split("/").map(encodeURIComponent).join("/");
			return `${options.baseUrl()}${DOWNLOADS_PATH}${url}?${query}`;
		},
		async delete(key) {
			await orStoreError(rm(join(dir, firmwarePath(key)), { force: true }));
		},
	};
}

/** Uploads come to the API itself (`receive`), whose path their address is. */
export function fileFirmwareUploads({
	dir,
}: Pick<FileFirmwareOptions, "dir">): FirmwareUploads {
	return {
		async address({ key }) {
			const path = firmwarePath(key).split("/").map(encodeURIComponent);
			return { url: `/v1/firmware/${path.join("/")}`, headers: {} };
		},
		async receive(key, body, maxBytes) {
			const path = join(dir, firmwarePath(key));
			try {
				await writeDurably(path, hashed(body, key.file, maxBytes), rename);
			} catch (error) {
				throw error instanceof UploadError ? error : storeError(error);
			}
		},
	};
}

/** Passes a body on, and throws at its end unless it has that hash, or before where there is too much of it. */
async function* hashed(
	body: ReadableStream<Uint8Array>,
	sha256: string,
	maxBytes: number,
): AsyncIterable<Uint8Array> {
	const hash = createHash("sha256");
	let sizeBytes = 0;
	for await (const chunk of body) {
		sizeBytes += chunk.length;
		if (sizeBytes > maxBytes) {
			throw new UploadError(
				"too_large",
				`An image has at most ${maxBytes} bytes.`,
			);
		}
		hash.update(chunk);
		yield chunk;
	}
	const is = hash.digest("hex");
	if (is === sha256) return;
	throw new UploadError(
		"wrong_hash",
		`The SHA-256 of what was sent is ${is}, not ${sha256}.`,
	);
}

/** Whether an address is one of ours and still holds. */
export function isSigned(
	secret: Uint8Array,
	key: FirmwareKey,
	query: { readonly expires: string; readonly signature: string },
	nowMs: number,
): boolean {
	if (!/^\d{1,12}$/.test(query.expires)) return false;
	const expiresS = Number(query.expires);
	const wanted = sign(secret, firmwarePath(key), expiresS);
	const given = Buffer.from(query.signature, "base64url");
	return (
		given.length === wanted.length &&
		timingSafeEqual(given, wanted) &&
		nowMs < expiresS * 1_000
	);
}

function sign(secret: Uint8Array, path: string, expiresS: number): Buffer {
	return createHmac("sha256", secret)
		.update(`${CONTEXT}\n${path}\n${expiresS}`)
		.digest();
}

/**
 * Whole or not at all, also when the power goes.
 * @param name gives what was written its name
 */
async function writeDurably(
	path: string,
	chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
	name: (from: string, to: string) => Promise<void>,
): Promise<void> {
	await mkdir(dirname(path), { recursive: true, mode: 0o700 });
	// No key begins with a dot, so it is never listed. Several images of a folder may be put at once.
	const temporary = join(
		dirname(path),
		`.${randomBytes(6).toString("hex")}.tmp`,
	);
	try {
		const file = await open(temporary, "wx", 0o600);
		try {
			for await (const chunk of chunks) await file.writeFile(chunk);
			await file.sync();
		} finally {
			await file.close();
		}
		await name(temporary, path);
	} finally {
		await rm(temporary, { force: true });
	}
	await syncFolder(dirname(path));
}

async function readPart(
	path: string,
	offset: number,
	sizeBytes: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
	let file: FileHandle;
	try {
		file = await open(path, "r");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
	try {
		const { size } = await file.stat();
		const bytes = new Uint8Array(
			Math.max(0, Math.min(sizeBytes, size - offset)),
		);
		let done = 0;
		while (done < bytes.length) {
			const { bytesRead } = await file.read(
				bytes,
				done,
				bytes.length - done,
				offset + done,
			);
			if (bytesRead === 0) return bytes.subarray(0, done);
			done += bytesRead;
		}
		return bytes;
	} finally {
		await file.close();
	}
}

/** Until then a file's new name may be gone after the power was. */
async function syncFolder(path: string): Promise<void> {
	const folder = await open(path, "r");
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}

async function listFiles(dir: string): Promise<readonly FirmwareObject[]> {
	let paths: string[];
	try {
		paths = await readdir(dir, { recursive: true });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw error;
	}
	const objects: FirmwareObject[] = [];
	for (const path of paths.sort()) {
		const key = parseFirmwarePath(path);
		if (key === null) continue;
		const { size, mtimeMs } = await stat(join(dir, path));
		objects.push({ ...key, sizeBytes: size, putMs: Math.floor(mtimeMs) });
	}
	return objects;
}

/** @throws StoreError "unavailable" */
async function orStoreError<T>(work: Promise<T>): Promise<T> {
	try {
		return await work;
	} catch (error) {
		throw storeError(error);
	}
}

function storeError(cause: unknown): StoreError {
	const reason = cause instanceof Error ? cause.message : String(cause);
	return new StoreError(
		"unavailable",
		`The folder of firmware did not do what it was asked: ${reason}`,
		{ cause },
	);
}
