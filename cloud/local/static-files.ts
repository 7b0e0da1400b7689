/** The page's files, held in memory: they are few and small, and a path that is not among them cannot be asked for. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, posix, sep } from "node:path";
import type { MiddlewareHandler } from "hono";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
	".css": "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".png": "image/png",
	".json": "application/json",
	".webmanifest": "application/manifest+json",
};

/** esbuild's content hash in a file name: the content never changes under that name. */
const HASHED_NAME = /-[A-Z0-9]{8}\.[a-z]+$/;

/** Everything from this origin, nothing inline, no frames. */
export const PAGE_HEADERS = {
	"Content-Security-Policy":
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options": "nosniff",
	"X-Frame-Options": "DENY",
	"Referrer-Policy": "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
} as const;

/** What a deployment tells the page; here there is nothing to tell. */
const CONFIG = "/config.json";

interface StaticFile {
	readonly bytes: Uint8Array<ArrayBuffer>;
	readonly headers: Readonly<Record<string, string>>;
	readonly etag: string;
}

/** Answers GET and HEAD for the files below `dir`, with `index.html` for `/`; passes everything else on. */
export function staticFiles(dir: string): MiddlewareHandler {
	const files = loadFiles(dir);
	return async function serveStatic(c, next) {
		const isRead = c.req.method === "GET" || c.req.method === "HEAD";
		const path = c.req.path === "/" ? "/index.html" : c.req.path;
		const file = isRead ? files.get(path) : undefined;
		if (file === undefined) return next();
		const known = c.req.header("If-None-Match")?.split(/\s*,\s*/) ?? [];
		if (known.includes(file.etag)) return c.body(null, 304, file.headers);
		return c.body(file.bytes, 200, file.headers);
	};
}

function loadFiles(dir: string): ReadonlyMap<string, StaticFile> {
	const files = new Map<string, StaticFile>();
	for (const entry of readdirSync(dir, {
		recursive: true,
		withFileTypes: true,
	})) {
		if (!entry.isFile()) continue;
		const filePath = join(entry.parentPath, entry.name);
		const name = filePath.slice(dir.length).split(sep).join(posix.sep);
		const bytes = new Uint8Array(readFileSync(filePath));
		files.set(
			name.startsWith("/") ? name : `/${name}`,
			staticFile(entry.name, bytes),
		);
	}
	if (!files.has(CONFIG)) {
		files.set(CONFIG, staticFile(CONFIG, new TextEncoder().encode("{}\n")));
	}
	return files;
}

function staticFile(name: string, bytes: Uint8Array<ArrayBuffer>): StaticFile {
	const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
	return {
		bytes,
		etag,
		headers: {
			...PAGE_HEADERS,
			ETag: etag,
			"Content-Type":
				CONTENT_TYPES[extname(name)] ?? "application/octet-stream",
			"Cache-Control": HASHED_NAME.test(name)
				? "public, max-age=31536000, immutable"
				: "no-cache",
		},
	};
}
