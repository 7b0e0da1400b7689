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
import { rsaKeys } from "../certificates/writer.ts";
import { LinNode } from "./lin-node.ts";
import { Relay } from "./relay.ts";
import {
	alertRecord,
	CONNACK_IN_THE_CLEAR,
	type Lies,
	record,
	ScriptedServer,
	signedBy,
} from "./scripted-server.ts";
import { buildForLinux, type LinProgram } from "./sdk.ts";

/** One handshake message in one record (RFC 5246, section 6.2.1); the SDK puts none together from several. */
const RECORD_BYTES = 16_000;

const pem = (label: string, der: Uint8Array) =>
	`-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;

/** A certificate that is valid until now will have expired before the node has it. */
function isAboutThisSecond(leaf: Uint8Array | undefined, world: World) {
	const now = generalizedTime(world.nowMs).subarray(4);
	return leaf !== undefined && Buffer.from(leaf).includes(Buffer.from(now));
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
	/** The node's: no server here minds whose it is. */
	const own = rsaKeys();
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
				certificate: pem("CERTIFICATE", world.server(world.root, {}, own)),
				key: own.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
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
	const refuses = (
		chain: Chain,
		why: RegExp,
		lies: Lies = {},
		again = false,
		shown = 0,
	) =>
		meet(chain, lies, async (node, server) => {
			const { report, at } = await node.event("offline");
			assert.equal(report.reason, "tls", node.lines.join("\n"));
			const said = node.lines.slice(0, at).join("\n");
			assert.match(said, why);
			if (again) await node.event("offline", at + 1);
			assert.equal(node.hasEnded, false);
			assert.equal(server.logins, 0, "it sent data to this server");
			assert.equal(server.certificates, shown, "it showed its certificate");
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

	describe("is outlived by a node, when it is trusted and", () => {
		/** MQTT 3.1.1, section 3.3, QoS 0 */
		const publish = (topic: Uint8Array, payload: Uint8Array) =>
			Buffer.concat([
				Buffer.from([0x30, 2 + topic.length + payload.length]),
				Buffer.from([0, topic.length]),
				topic,
				payload,
			]);
		const PAYLOAD = Buffer.from("{}");
		const GOOD = publish(Buffer.from("a/b"), PAYLOAD);
		const NO_UTF8 = publish(Buffer.from([0xff, 0xfe, 0xc0]), PAYLOAD);
		for (const [what, afterLogin] of [
			["publishes to a topic that is no UTF-8", NO_UTF8],
			["does so after another message", Buffer.concat([GOOD, GOOD, NO_UTF8])],
			["publishes to no topic", publish(Buffer.alloc(0), PAYLOAD)],
			["sends a packet of type 0", Buffer.from([0, 0])],
			[
				"does so after another message ",
				Buffer.concat([GOOD, Buffer.alloc(2)]),
			],
			["sends a length of five bytes", Buffer.alloc(6, 0xff).fill(0x40, 0, 1)],
			["says hello twice, refusing it", Buffer.from([0x20, 2, 0, 5])],
			["has a CONNACK of 3 bytes", Buffer.from([0x20, 3, 0, 0, 0])],
		] as const)
			it(what, async function () {
				this.timeout(30_000);
				await meet(world.chain(), { afterLogin }, async (node, server) => {
					const { at } = await node.event("offline");
					await node.event("offline", at + 1);
					assert.equal(node.hasEnded, false);
					assert.ok(server.logins > 0);
				});
			});
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
			refused("sends a second key exchange, unsigned", /sequence/, () => ({
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

		const cheat = (what: string, why: RegExp, lies: Lies) =>
			it(what, async function () {
				this.timeout(30_000);
				await refuses(
					world.chain(),
					why,
					{ ...lies, asksForCertificate: true },
					true,
				);
			});

		const signsWith = (algorithm: readonly number[]) => (signed: Buffer) => {
			const genuine = signedBy(world.chain().key)(signed);
			return Buffer.concat([Buffer.from(algorithm), genuine.subarray(2)]);
		};
		const turned = (change: (bytes: Buffer) => void) => (bytes: Buffer) => {
			const copy = Buffer.from(bytes);
			change(copy);
			return copy;
		};
		/** One of its first records, by what is in it. */
		const HELLO = 0;
		const CERTIFICATE = 1;
		const KEY = 2;
		const without = (index: number) => (records: readonly Buffer[]) =>
			records.filter((_one, at) => at !== index);
		const withChanged =
			(index: number, change: (one: Buffer) => Uint8Array) =>
			(records: readonly Buffer[]) =>
				records.map((one, at) => (at === index ? change(one) : one));
		const withBefore =
			(index: number, extra: Uint8Array) => (records: readonly Buffer[]) =>
				records.flatMap((one, at) => (at === index ? [extra, one] : [one]));
		const versionOf = (version: number) =>
			turned((bytes) => bytes.writeUInt16BE(version, 1));
		const handshakeRecord = (...bytes: number[]) =>
			record(22, Buffer.from(bytes));
		const CIPHER = record(20, Buffer.from([1]));
		const claims = (length: number) =>
			Buffer.from([22, 3, 3, length >> 8, length & 0xff]);

		cheat("signs with MD5", /not signed/, { signature: signsWith([1, 3]) });
		cheat("signs with SHA-1", /not signed/, { signature: signsWith([2, 3]) });
		cheat("says that its EC key is an RSA key", /not signed/, {
			signature: signsWith([4, 1]),
		});
		cheat("leaves ServerHello out", /sequence/, { first: without(HELLO) });
		cheat("leaves its certificate out", /sequence/, {
			first: without(CERTIFICATE),
		});
		cheat("leaves its key exchange out", /sequence/, { first: without(KEY) });
		cheat("sends its certificate twice", /sequence/, {
			first: (records) => [...records.slice(0, 2), ...records.slice(1)],
		});
		cheat("sends its key exchange before its certificate", /sequence/, {
			first: ([hello, certificate, ...rest]) =>
				[hello, rest[0], certificate, ...rest.slice(1)].flatMap((one) =>
					one === undefined ? [] : [one],
				),
		});
		cheat("asks to begin anew", /sequence/, {
			first: withBefore(CERTIFICATE, handshakeRecord(0, 0, 0, 0)),
		});
		cheat("sends Finished in the clear", /sequence/, {
			first: withBefore(4, handshakeRecord(20, 0, 0, 12, ...Buffer.alloc(12))),
		});
		cheat("switches ciphers before its certificate", /sequence/, {
			first: withBefore(CERTIFICATE, CIPHER),
		});
		cheat("switches ciphers before there is a secret", /sequence/, {
			first: (records) => [...records, CIPHER],
		});
		cheat("resumes a session that never was", /sequence/, {
			first: ([hello]) => [hello ?? CIPHER, CIPHER],
		});
		for (const [name, version] of [
			["SSL 3", 0x0300],
			["TLS 1.0", 0x0301],
			["TLS 1.1", 0x0302],
		] as const)
			cheat(`speaks ${name}`, /TLS 1\.2/, {
				hello: turned((body) => body.writeUInt16BE(version)),
			});
		cheat("sends records of SSL 3", /TLS 1\.2/, {
			first: withChanged(HELLO, versionOf(0x0300)),
		});
		cheat("sends an empty record", /length/, {
			first: withBefore(CERTIFICATE, handshakeRecord()),
		});
		cheat("sends a record of an unknown type", /sequence/, {
			first: withBefore(CERTIFICATE, record(24, Buffer.from([1, 2, 3, 4]))),
		});
		cheat("claims a record of 65,535 bytes", /length/, {
			first: () => [claims(65_535)],
		});
		cheat("claims a record of 16 KB", /length/, {
			first: ([hello]) => [hello ?? CIPHER, claims(16_384)],
		});
		cheat("claims a message longer than its record", /more than one/, {
			first: withChanged(
				CERTIFICATE,
				turned((bytes) => bytes.writeUIntBE(0xffffff, 6, 3)),
			),
		});
		cheat("claims a certificate longer than the message", /tls: /, {
			first: withChanged(
				CERTIFICATE,
				turned((bytes) => bytes.writeUIntBE(0xfffff0, 12, 3)),
			),
		});
		cheat("has a session id of 255 bytes", /cut off/, {
			hello: turned((body) => body.writeUInt8(255, 34)),
		});
		cheat("compresses", /compression/, {
			hello: turned((body) => body.writeUInt8(1, 37)),
		});
		cheat("has a point that is not on the curve", /point/, {
			point: turned((point) => point.writeUInt8(point.readUInt8(64) ^ 1, 64)),
		});
		cheat("has a compressed point", /point|length/, {
			point: (point) =>
				Buffer.concat([Buffer.from([2]), point.subarray(1, 33)]),
		});
		cheat("has the point at infinity", /point/, {
			point: () => Buffer.from([0]),
		});
		cheat("has an empty alert", /alert/, {
			first: () => [record(21)],
		});

		const atTheEnd = (what: string, why: RegExp, last: Lies["last"]) =>
			it(what, async function () {
				this.timeout(30_000);
				// Its key exchange is genuine: our certificate is its to see.
				const lies = { asksForCertificate: true, ...(last && { last }) };
				await refuses(world.chain(), why, lies, false, 1);
			});

		atTheEnd("has a wrong Finished", /auth/, (records) =>
			records.map((one, at) =>
				at === 1
					? turned((bytes) => {
							bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
						})(one)
					: one,
			),
		);
		atTheEnd(
			"sends Finished without switching ciphers",
			/sequence/,
			(records) => records.slice(1),
		);
		atTheEnd(
			"sends the login's answer in place of Finished",
			/before/,
			([on]) => [on ?? CIPHER, CONNACK_IN_THE_CLEAR],
		);
		atTheEnd("switches ciphers twice", /sequence/, ([on, finished]) =>
			[on, on, finished].flatMap((one) => (one === undefined ? [] : [one])),
		);
		atTheEnd("has a Finished without room for its seal", /length/, ([on]) => [
			on ?? CIPHER,
			record(22, Buffer.alloc(3)),
		]);

		it("says that s = 0 is a signature", async function () {
			this.timeout(30_000);
			await refuses(world.chain(), /verify/, {
				// ECDSA with SHA-256: r = 1, s = 0
				signature: () => Buffer.from([4, 3, 0, 8, 0x30, 6, 2, 1, 1, 2, 1, 0]),
			});
		});
	});
});
