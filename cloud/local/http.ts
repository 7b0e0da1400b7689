/** Serves the API and the page on one port of this machine. */
import { createServer, type Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { type Env, Hono } from "hono";
import { staticFiles } from "./static-files.ts";

export interface HttpOptions<E extends Env> {
	/** The API; see `createApi`. */
	readonly app: Hono<E>;
	/** Folder of the built page; null to serve the API alone. */
	readonly webDir: string | null;
	readonly host: string;
	/** 0 for any that is free. */
	readonly port: number;
}

export interface HttpServer {
	/** `http://HOST:PORT`, without a slash at the end. */
	readonly url: string;
	readonly port: number;
	/** Stops listening, ends live streams, and resolves when no connection is left. */
	close(): Promise<void>;
}

export class HttpListenError extends Error {
	override readonly name = "HttpListenError";
	/** "port_in_use", "not_allowed", "bad_address" or "failed". */
	readonly code: string;

	constructor(code: string, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** How long requests under way may take to end when the server closes, ms. */
const DRAIN_MS = 2_000;

/** @throws HttpListenError when the port cannot be had */
export async function startHttp<E extends Env>(
	options: HttpOptions<E>,
): Promise<HttpServer> {
	const root = new Hono<E>();
	if (options.webDir !== null) {
		root.use(staticFiles(resolve(options.webDir)));
	}
	root.mount("/", options.app.fetch);
	const streams = new Set<ServerResponse>();
	const server = createServer(
		getRequestListener(async (request, { outgoing }) => {
			const response = await root.fetch(request);
			if (isStream(response) && outgoing instanceof ServerResponse) {
				streams.add(outgoing);
				outgoing.once("close", () => streams.delete(outgoing));
			}
			return response;
		}),
	);
	await listen(server, options.host, options.port);
	const { port } = server.address() as AddressInfo;
	const name = options.host.includes(":") ? `[${options.host}]` : options.host;
	return {
		url: `http://${name}:${port}`,
		port,
		close: () => close(server, streams),
	};
}

function listen(server: Server, host: string, port: number): Promise<void> {
	return new Promise((resolve, reject) => {
		const onError = (error: NodeJS.ErrnoException) =>
			reject(listenError(error, host, port));
		server.once("error", onError);
		server.listen(port, host, () => {
			server.off("error", onError);
			resolve();
		});
	});
}

function listenError(
	cause: NodeJS.ErrnoException,
	host: string,
	port: number,
): HttpListenError {
	const options = { cause };
	switch (cause.code) {
		case "EADDRINUSE":
			return new HttpListenError(
				"port_in_use",
				`HTTP port ${port} on ${host} is in use: stop what listens there, or choose another with --http-port.`,
				options,
			);
		case "EACCES":
			return new HttpListenError(
				"not_allowed",
				`HTTP port ${port} may not be opened by this user: choose one above 1023 with --http-port.`,
				options,
			);
		case "EADDRNOTAVAIL":
		case "ENOTFOUND":
			return new HttpListenError(
				"bad_address",
				`${host} is not an address of this machine.`,
				options,
			);
		default:
			return new HttpListenError(
				"failed",
				`The HTTP server could not listen on ${host}:${port}: ${cause.message}.`,
				options,
			);
	}
}

/** A live stream never ends by itself. */
function isStream(response: Response): boolean {
	const type = response.headers.get("content-type") ?? "";
	return type.startsWith("text/event-stream");
}

async function close(
	server: Server,
	streams: ReadonlySet<ServerResponse>,
): Promise<void> {
	const closed = new Promise<void>((resolve) => {
		server.close(() => resolve());
	});
	server.closeIdleConnections();
	for (const stream of streams) stream.destroy();
	const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
	await closed;
	clearTimeout(timer);
}
