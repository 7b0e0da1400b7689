/** Chains over real TLS, from Node to Node. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
	checkServerIdentity,
	connect,
	createServer,
	type Server,
} from "node:tls";
import type { Chain } from "./world.ts";

const pem = (der: Uint8Array) =>
	`-----BEGIN CERTIFICATE-----\n${Buffer.from(der)
		.toString("base64")
		.replace(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`;

/** A server that presents the chain; undefined where Node does not load it, or would write it anew. */
export function nodeServer({ certificates, key }: Chain): Server | undefined {
	try {
		const asIs = certificates.every((der) =>
			new X509Certificate(der).raw.equals(der),
		);
		if (!asIs) return undefined;
		return createServer({
			key: key.export({ type: "pkcs8", format: "pem" }),
			cert: certificates.map(pem).join(""),
			maxVersion: "TLSv1.2",
		});
	} catch {
		return undefined;
	}
}

/** What Node's client makes of it; undefined when Node's server does not present it. */
export async function askNode(
	chain: Chain,
): Promise<"trusts" | "refuses" | undefined> {
	const server = nodeServer(chain);
	if (server === undefined) return undefined;
	server.on("tlsClientError", () => undefined);
	try {
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		const socket = connect({
			port,
			host: "127.0.0.1",
			ca: chain.anchors.map(pem),
			checkServerIdentity: (_host, certificate) =>
				checkServerIdentity(chain.host, certificate),
		});
		try {
			await once(socket, "secureConnect");
			return "trusts";
		} catch {
			return "refuses";
		} finally {
			socket.destroy();
		}
	} finally {
		server.close();
	}
}
