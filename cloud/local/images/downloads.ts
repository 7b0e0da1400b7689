/** Serves images of firmware to whoever has their address: `GET /firmware/VERSION/BOARD/FILE?expires=…&signature=…`. */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Hono } from "hono";
import {
	type FirmwareKey,
	firmwarePath,
	parseFirmwarePath,
} from "../../core/firmware-objects.ts";
import type { Clock } from "../../core/ports.ts";
import { DOWNLOADS_PATH, isSigned } from "./file-objects.ts";

export interface DownloadOptions {
	readonly dir: string;
	readonly secret: Uint8Array;
	readonly clock: Clock;
}

export function firmwareDownloads(options: DownloadOptions): Hono {
	const app = new Hono();
	app.get(`${DOWNLOADS_PATH}*`, async function download(c) {
		const path = c.req.path.slice(DOWNLOADS_PATH.length);
		const key = keyOf(path);
		const { expires = "", signature = "" } = c.req.query();
		const nowMs = options.clock.nowMs();
		// Who has no address learns nothing, not even what there is.
		if (
			key === null ||
			!isSigned(options.secret, key, { expires, signature }, nowMs)
		) {
			return c.text("This address does not hold, or not any more.\n", 403);
		}
		const file = await openOrNull(join(options.dir, firmwarePath(key)));
		if (file === null) return c.text("There is no such image.\n", 404);
		try {
			const { size } = await file.stat();
			const headers = {
				"Accept-Ranges": "bytes",
				"Content-Type": "application/octet-stream",
				"Cache-Control": "no-store",
				"X-Content-Type-Options": "nosniff",
			};
			const range = readRange(c.req.header("Range"), size);
			if (range === "unsatisfiable") {
				await file.close();
				return c.body(null, 416, {
					...headers,
					"Content-Range": `bytes */${size}`,
				});
			}
			const { from, to } = range ?? { from: 0, to: size };
			const partial = {
				...headers,
				"Content-Length": String(to - from),
				...(range === null
					? {}
					: { "Content-Range": `bytes ${from}-${to - 1}/${size}` }),
			};
			if (to === from) {
				await file.close();
				return c.body(null, 200, partial);
			}
			return c.body(
				streamOf(file, from, to),
				range === null ? 200 : 206,
				partial,
			);
		} catch (error) {
			await file.close();
			throw error;
		}
	});
	return app;
}

function keyOf(path: string): FirmwareKey | null {
	try {
		return parseFirmwarePath(decodeURIComponent(path));
	} catch (error) {
		if (error instanceof URIError) return null;
		throw error;
	}
}

/** Closes the file when it has been read, or when nobody wants the rest. */
function streamOf(
	file: FileHandle,
	from: number,
	to: number,
): ReadableStream<Uint8Array> {
	const stream = file.createReadStream({ start: from, end: to - 1 });
	return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
}

/** One range of bytes (RFC 9110 section 14.1.2); null for none, several, or what is no range: the whole is sent then. */
export function readRange(
	header: string | undefined,
	sizeBytes: number,
): { readonly from: number; readonly to: number } | "unsatisfiable" | null {
	const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "");
	const [, first = "", last = ""] = match ?? [];
	if (match === null || (first === "" && last === "")) return null;
	if (first === "") {
		const length = Math.min(Number(last), sizeBytes);
		return length === 0
			? "unsatisfiable"
			: { from: sizeBytes - length, to: sizeBytes };
	}
	const from = Number(first);
	if (last !== "" && Number(last) < from) return null;
	if (from >= sizeBytes) return "unsatisfiable";
	const to = last === "" ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
	return { from, to };
}

async function openOrNull(path: string): Promise<FileHandle | null> {
	try {
		return await open(path, "r");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
		throw error;
	}
}
