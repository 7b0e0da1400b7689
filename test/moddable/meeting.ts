/** Lets a node on Moddable's TLS connect to servers that are made for it. */
import assert from "node:assert/strict";
import { type Chain, World } from "../certificates/world.ts";
import { rsaKeys } from "../certificates/writer.ts";
import { LinNode } from "./lin-node.ts";
import { type Lies, ScriptedServer } from "./scripted-server.ts";
import { buildForLinux, type LinProgram } from "./sdk.ts";

const pem = (label: string, der: Uint8Array) =>
	`-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;

export class Meeting {
	readonly world = new World();
	/** The node's: no server here minds whose it is. */
	readonly #own = rsaKeys();
	#program: LinProgram | undefined;

	build(): void {
		this.#program = buildForLinux();
	}

	/** A node that trusts the chain's authorities, and finds its host at this port. */
	start(chain: Chain, port: number): LinNode {
		assert.ok(this.#program, "It has not been built.");
		const { world } = this;
		return new LinNode(
			this.#program,
			{
				thing: "lin-1",
				endpoint: chain.host,
				address: "127.0.0.1",
				port,
				certificateId: "a",
			},
			{
				certificate: pem(
					"CERTIFICATE",
					world.server(world.root, {}, this.#own),
				),
				key: this.#own.privateKey.export({
					type: "pkcs8",
					format: "pem",
				}) as string,
				authorities: chain.anchors
					.map((der) => pem("CERTIFICATE", der))
					.join(""),
			},
			{ blockSpanMs: 1000 },
		);
	}

	/** Lets a node connect to it. */
	async meet<T>(
		chain: Chain,
		lies: Lies,
		look: (node: LinNode, server: ScriptedServer) => Promise<T>,
	): Promise<T> {
		const server = new ScriptedServer(chain, lies);
		const port = await server.listen();
		const node = this.start(chain, port);
		try {
			return await look(node, server);
		} finally {
			await node.end();
			server.close();
		}
	}

	/** It says so and goes on; `again`: until it has been refused once more. */
	refuses(
		chain: Chain,
		why: RegExp,
		lies: Lies = {},
		again = false,
		shown = 0,
	): Promise<void> {
		return this.meet(chain, lies, async (node, server) => {
			const { report, at } = await node.event("offline");
			assert.equal(report.reason, "tls", node.lines.join("\n"));
			const said = node.lines.slice(0, at).join("\n");
			assert.match(said, why);
			if (again) await node.event("offline", at + 1);
			assert.equal(node.hasEnded, false);
			assert.equal(server.logins, 0, "it sent data to this server");
			assert.equal(server.certificates, shown, "it showed its certificate");
		});
	}
}
