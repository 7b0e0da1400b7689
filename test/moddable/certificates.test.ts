/**
 * Every chain of firmware/tls's own tests, presented over real TLS to the firmware on Moddable's modules; and servers that
 * cheat in the handshake itself.
 */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { BAD_CASES } from "../certificates/bad-cases.ts";
import type { Case } from "../certificates/case.ts";
import { generalizedTime } from "../certificates/der-writer.ts";
import { GOOD_CASES } from "../certificates/good-cases.ts";
import { type Chain, World } from "../certificates/world.ts";
import { LinNode } from "./lin-node.ts";
import { Relay } from "./relay.ts";
import {
	alertRecord,
	CONNACK_IN_THE_CLEAR,
	type Lies,
	ScriptedServer,
	signedBy,
} from "./scripted-server.ts";
import { buildForLinux, type LinProgram } from "./sdk.ts";

/** One handshake message in one record (RFC 5246, section 6.2.1); the SDK puts none together from several. */
const RECORD_BYTES = 16_000;

const pem = (label: string, der: Uint8Array) =>
	`-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;

/** What the servers here do not ask for. */
const clientKey = generateKeyPairSync("rsa", {
	modulusLength: 2048,
}).privateKey.export({ type: "pkcs8", format: "pem" }) as string;

/** A certificate that is valid until now will have expired before the node has it. */
function isAboutThisSecond(leaf: Uint8Array | undefined, world: World) {
	const now = generalizedTime(world.nowMs).subarray(4);
	return leaf !== undefined && Buffer.from(leaf).includes(now);
}

/** Why it cannot be tried over the wire, or null. */
function untriable(chain: Chain, world: World): string | null {
	const [leaf] = chain.certificates;
	if (chain.nowMs !== world.nowMs || isAboutThisSecond(leaf, world))
		return "the node's clock is the machine's";
	if (chain.host === "") return "a node has an endpoint";
	if (chain.anchors.length === 0) return "a node has an authority";
	const sizes = chain.certificates.map(({ length }) => length + 3);
	if (sizes.reduce((sum, size) => sum + size, 0) > RECORD_BYTES)
		return "it is larger than a record";
	return null;
}

/** Between these, one node meets a good server. */
const BETWEEN = [
	"another name",
	"a server that has expired",
	"a server that is not valid yet",
	"an intermediate signed by another key than its issuer's",
	"a self-signed server followed by the genuine authority",
	"a server issued by another server's certificate (CA:FALSE)",
	"the name as common name only",
	"a certificate for clients, as the same authority gives to devices",
	"a key that may encipher and not sign",
	"an intermediate under one that allows none (path length 0)",
	"an unknown critical extension",
	"a server changed after it was signed",
	"a signature with SHA-1",
];

describe("A server, before Moddable's TLS", () => {
	const world = new World();
	let program: LinProgram;

	before(function () {
		this.timeout(300_000);
		program = buildForLinux();
	});

	/** A node that trusts the chain's authorities, and finds its host at this port. */
	const start = (chain: Chain, port: number): LinNode =>
		new LinNode(
			program,
			{
				thing: "lin-1",
				endpoint: chain.host,
				address: "127.0.0.1",
				port,
				certificateId: "a",
			},
			{
				certificate: pem("CERTIFICATE", chain.anchors[0] ?? new Uint8Array()),
				key: clientKey,
				authorities: chain.anchors
					.map((der) => pem("CERTIFICATE", der))
					.join(""),
			},
			{ blockSpanMs: 1000 },
		);

	/** Lets a node connect to it. */
	async function meet<T>(
		chain: Chain,
		lies: Lies,
		look: (node: LinNode, server: ScriptedServer) => Promise<T>,
	): Promise<T> {
		const server = new ScriptedServer(chain, lies);
		const port = await server.listen();
		const node = start(chain, port);
		try {
			return await look(node, server);
		} finally {
			await node.end();
			server.close();
		}
	}

	const trusts = (chain: Chain) =>
		meet(chain, {}, async (node) => {
			const { line } = await node.line(
				(text) => text.includes('"online"') || text.includes('"offline"'),
			);
			assert.match(line, /"online"/, node.lines.join("\n"));
		});

	/** It says so and goes on; `again`: until it has been refused once more. */
	const refuses = (chain: Chain, why: RegExp, lies: Lies = {}, again = false) =>
		meet(chain, lies, async (node, server) => {
			const { report, at } = await node.event("offline");
			assert.equal(report.reason, "tls", node.lines.join("\n"));
			const said = node.lines.slice(0, at).join("\n");
			assert.match(said, why);
			if (again) await node.event("offline", at + 1);
			assert.equal(node.hasEnded, false);
			assert.equal(server.logins, 0, "it sent data to this server");
		});

	const each = (
		cases: readonly Case[],
		check: (one: Case) => Promise<void>,
	) => {
		for (const one of cases)
			it(one.name, async function () {
				this.timeout(30_000);
				const why = untriable(one.make(world), world);
				if (why === null) await check(one);
				// Nothing could be found out: the case is proven by firmware/tls's own tests alone.
				else this.test!.title += ` (not over the wire: ${why})`;
			});
	};

	describe("is trusted with", () => {
		each(GOOD_CASES, (one) => trusts(one.make(world)));
	});

	describe("is refused by name with", () => {
		each(BAD_CASES, (one) =>
			refuses(one.make(world), new RegExp(`tls: ${one.expect}: `)),
		);
	});

	describe("is trusted again after each of", () => {
		let relay: Relay;
		let good: ScriptedServer;
		let goodPort: number;
		let node: LinNode;

		before(async () => {
			const chain = world.chain();
			good = new ScriptedServer(chain);
			goodPort = await good.listen();
			relay = new Relay();
			relay.target = goodPort;
			node = start(chain, await relay.listen());
			await node.event("online");
		});

		after(async () => {
			await node.end();
			relay.close();
			good.close();
		});

		afterEach(function () {
			if (this.currentTest?.state === "failed")
				console.log(node.lines.slice(-30).join("\n"));
		});

		for (const name of BETWEEN) {
			const one = BAD_CASES.find((other) => other.name === name);
			it(name, async function () {
				this.timeout(60_000);
				assert.ok(one, "There is no such case.");
				const { at: released } = await node.event("released", from);
				const bad = new ScriptedServer(one.make(world));
				relay.switchTo(await bad.listen());
				const { report, at } = await node.event("offline", released);
				assert.equal(report.reason, "closed");
				const refused = await node.event("offline", at + 1);
				assert.equal(refused.report.reason, "tls");
				await node.line((text) => text.includes(`tls: ${one.expect}: `), at);
				relay.switchTo(goodPort);
				bad.close();
				from = (await node.event("online", refused.at)).at;
				await node.event("released", from);
			});
		}
		/** Where in the node's log the present connection began. */
		let from = 0;
	});

	describe("is refused with a good chain, when it", () => {
		const chains = {
			EC: () => world.chain(),
			RSA: () => world.rsaChain(),
		};
		for (const [kind, make] of Object.entries(chains)) {
			const refused = (what: string, why: RegExp, lies: () => Lies) =>
				it(`${what} (${kind})`, async function () {
					this.timeout(30_000);
					await refuses(make(), why, lies(), true);
				});

			refused("does not sign its key exchange", /not signed/, () => ({
				// hash "none", signature "anonymous" (RFC 5246, section 7.4.1.4.1)
				signature: () => Buffer.alloc(4),
			}));
			refused("signs with an algorithm of no meaning", /not signed/, () => ({
				signature: () => Buffer.from([99, 99, 0, 1, 0]),
			}));
			refused("signs another key exchange", /verify/, () => ({
				signature: (signed) => signedBy(make().key)(signed.subarray(1)),
			}));
			refused("signs with a key that is not its own", /verify/, () => {
				const { privateKey } =
					kind === "EC"
						? generateKeyPairSync("ec", { namedCurve: "prime256v1" })
						: generateKeyPairSync("rsa", { modulusLength: 2048 });
				return { signature: signedBy(privateKey) };
			});
			refused("sends a second key exchange, unsigned", /not signed/, () => ({
				secondKeyExchange: true,
			}));
			refused("raises an alert and goes on", /alert/, () => ({
				beforeCertificate: [alertRecord(1, 112)],
			}));
			// The SDK's own session takes this one for the handshake's end, and goes on in the clear.
			refused("says that it closes, and goes on", /alert 0/, () => ({
				beforeCertificate: [alertRecord(1, 0)],
			}));
			refused("raises an alert in place of Finished", /alert/, () => ({
				afterDone: [alertRecord(1, 100)],
			}));
			refused(
				"accepts the login in the clear",
				/before the handshake's end/,
				() => ({ afterDone: [CONNACK_IN_THE_CLEAR] }),
			);
			refused("takes a suite without forward secrecy", /cipher/, () => ({
				// TLS_RSA_WITH_AES_128_CBC_SHA
				suite: 0x002f,
			}));
		}

		it("says that s = 0 is a signature", async function () {
			this.timeout(30_000);
			await refuses(world.chain(), /verify/, {
				// ECDSA with SHA-256: r = 1, s = 0
				signature: () => Buffer.from([4, 3, 0, 8, 0x30, 6, 2, 1, 1, 2, 1, 0]),
			});
		});
	});
});
