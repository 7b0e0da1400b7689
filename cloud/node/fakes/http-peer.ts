/** An HTTP server under a test's control: what it answers, and what it was sent. */
import { once } from "node:events";
import {
	createServer,
	type IncomingHttpHeaders,
	type IncomingMessage,
	type Server,
	type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface HttpRequest {
	readonly method: string;
	readonly path: string;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
}

export interface HttpReply {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string;
}

export class HttpPeer {
	/** Those that were answered, in order. */
	readonly requests: HttpRequest[] = [];
	/** How each is answered; "nothing" leaves it waiting. */
	reply: (request: HttpRequest) => HttpReply | "nothing" = () => ({
		status: 204,
	});
	readonly #server: Server;

	/** @param tls key and certificate (PEM), for https */
	constructor(tls?: { readonly key: string; readonly cert: string }) {
		const listener = (request: IncomingMessage, response: ServerResponse) =>
			void this.#answer(request, response);
		this.#server =
			tls === undefined
				? createServer(listener)
				: createTlsServer(tls, listener);
	}

	async listen(port = 0): Promise<this> {
		this.#server.listen(port, "127.0.0.1");
		await once(this.#server, "listening");
		return this;
	}

	get port(): number {
		return (this.#server.address() as AddressInfo).port;
	}

	async close(): Promise<void> {
		if (!this.#server.listening) return;
		const closed = once(this.#server, "close");
		this.#server.close();
		this.#server.closeAllConnections();
		await closed;
	}

	async #answer(
		incoming: IncomingMessage,
		response: ServerResponse,
	): Promise<void> {
		const chunks: Buffer[] = [];
		for await (const chunk of incoming) chunks.push(chunk);
		const request = {
			method: incoming.method ?? "",
			path: incoming.url ?? "",
			headers: incoming.headers,
			body: Buffer.concat(chunks),
		};
		const reply = this.reply(request);
		if (reply === "nothing") return;
		this.requests.push(request);
		response.writeHead(reply.status, reply.headers);
		response.end(reply.body);
	}
}
