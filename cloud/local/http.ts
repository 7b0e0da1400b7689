/** Serves the API and the page on one port of this machine. */
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { resolve } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { type Env, Hono } from "hono";
import { DOWNLOADS_PATH } from "./images/file-objects.ts";
import { staticFiles } from "./static-files.ts";

export interface HttpOptions<E extends Env> {
	/** The API; see `createApi`. */
	readonly app: Hono<E>;
	/** Images of firmware; see `firmwareDownloads`. */
	readonly firmware?: Hono;
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
	const { firmware } = options;
	if (firmware !== undefined) {
		root.all(`${DOWNLOADS_PATH}*`, (c) => firmware.fetch(c.req.raw));
	}
	root.mount("/", options.app.fetch);
	const server = createServer(
		getRequestListener(async (request, { outgoing }) => {
			const response = await root.fetch(request);
			// A live stream never ends by itself, so nobody waits for it.
			if (isStream(response)) connections.release(outgoing);
			return response;
		}),
	);
	const connections = new Connections(server);
	await listen(server, options.host, options.port);
	const { port } = server.address() as AddressInfo;
	const name = options.host.includes(":") ? `[${options.host}]` : options.host;
	return {
		url: `http://${name}:${port}`,
		port,
		close: () => connections.close(),
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

function isStream(response: Response): boolean {
	const type = response.headers.get("content-type") ?? "";
	return type.startsWith("text/event-stream");
}

/** The open connections of a server, and which of them have an answer under way. */
class Connections {
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();
	/** Answers to be finished before the server closes, and the connections they go out on. */
	readonly #pending = new Map<object, Socket>();

	constructor(server: Server) {
		this.#server = server;
		server.on("connection", (socket) => {
			this.#sockets.add(socket);
			socket.once("close", () => this.#sockets.delete(socket));
		});
		// In front of the listener that answers.
		server.prependListener("request", (request, response) => {
			this.#pending.set(response, request.socket);
			response.once("close", () => {
				this.#pending.delete(response);
				if (!server.listening) request.socket.end();
			});
		});
	}

	/** An answer need not be finished. */
	release(response: object): void {
		this.#pending.delete(response);
	}

	/**
	 * Stops listening, waits for answers under way, and cuts everything else: Node's own `closeIdleConnections` leaves
	 * those that a browser has opened ahead of time.
	 */
	async close(): Promise<void> {
		const closed = new Promise<void>((resolve) => {
			this.#server.close(() => resolve());
		});
		const busy = new Set(this.#pending.values());
		for (const socket of this.#sockets) {
			if (!busy.has(socket)) socket.destroy();
		}
		const timer = setTimeout(
			() => this.#server.closeAllConnections(),
			DRAIN_MS,
		);
		await closed;
		clearTimeout(timer);
	}
}
