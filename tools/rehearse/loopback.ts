/** Servers of a rehearsal: on loopback, on free ports. */
import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { AddressInfo, Server } from "node:net";

export const LOOPBACK = "127.0.0.1";

/** @returns the port */
export async function listenOnLoopback(server: Server): Promise<number> {
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(0, LOOPBACK, resolve);
	});
	return (server.address() as AddressInfo).port;
}

export async function closeServer(server: Server | HttpServer): Promise<void> {
	const closed = new Promise<void>((resolve) => server.close(() => resolve()));
	if ("closeAllConnections" in server) server.closeAllConnections();
	await closed;
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
	const parts: Buffer[] = [];
	for await (const part of request) parts.push(part as Buffer);
	return Buffer.concat(parts);
}

/**
 * The access key that a request was signed with: by it a stand-in knows which function calls, since each function gets
 * a key of its own. Null when it was not signed.
 */
export function accessKeyOf(request: IncomingMessage): string | null {
	const header = request.headers.authorization ?? "";
	return /Credential=([^/]+)\//.exec(header)?.[1] ?? null;
}
