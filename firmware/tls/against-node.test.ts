/** The same chains over real TLS, judged by Node's OpenSSL: where we differ, it is on purpose. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
	checkServerIdentity,
	connect,
	createServer,
	type Server,
} from "node:tls";
import { BAD_CASES } from "../../test/certificates/bad-cases.ts";
import { GOOD_CASES } from "../../test/certificates/good-cases.ts";
import { type Chain, World } from "../../test/certificates/world.ts";

const pem = (der: Uint8Array) =>
	`-----BEGIN CERTIFICATE-----\n${Buffer.from(der)
		.toString("base64")
		.replace(/.{64}(?=.)/g, "$&\n")}\n-----END CERTIFICATE-----\n`;

/** A server that presents the chain; undefined where Node cannot even load it, or would write it anew. */
function serverOf({ certificates, key }: Chain): Server | undefined {
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

/** Whether Node's client trusts it; not if Node's server will not even present it. */
async function nodeTrusts(chain: Chain): Promise<boolean> {
	const server = serverOf(chain);
	if (server === undefined) return false;
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
			return true;
		} catch {
			return false;
		} finally {
			socket.destroy();
		}
	} finally {
		server.close();
	}
}

describe("Node's TLS", function () {
	this.timeout(60_000);
	let world: World;

	before(() => {
		world = new World();
	});

	for (const { name, expect, make, nodeDiffers } of [
		...GOOD_CASES,
		...BAD_CASES,
	]) {
		const trusted = expect === "trusted";
		const says = trusted === (nodeDiffers === undefined) ? "trusts" : "refuses";
		it(`${says} ${name}${nodeDiffers ? `: ${nodeDiffers}` : ""}`, async () => {
			const trusts = await nodeTrusts(make(world));
			assert.equal(trusts ? "trusts" : "refuses", says);
		});
	}
});
