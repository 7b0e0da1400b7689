/** Servers that have a good chain and cheat in the handshake or after it, and somebody on the way, before the firmware on Moddable. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { ip } from "../certificates/writer.ts";
import { Meeting } from "./meeting.ts";
import {
	alertRecord,
	CONNACK_IN_THE_CLEAR,
	type Lies,
	record,
	signedBy,
} from "./scripted-server.ts";

describe("A server with a good chain, before Moddable's TLS", () => {
	const meeting = new Meeting();
	const { world } = meeting;

	before(function () {
		this.timeout(300_000);
		meeting.build();
	});

	it("is told its name, without a dot at the end", async () => {
		const chain = world.chain();
		const dotted = { ...chain, host: `${chain.host}.` };
		await meeting.meet(dotted, {}, async (node, server) => {
			await node.event("online");
			const [hello] = server.hellos;
			assert.ok(hello?.includes(chain.host) && !hello.includes(dotted.host));
		});
	});

	it("is told no address, which is no name", async () => {
		const chain = world.named([ip(127, 0, 0, 1)], "127.0.0.1");
		await meeting.meet(chain, {}, async (node, server) => {
			await node.event("online");
			assert.equal(server.hellos[0]?.includes("127.0.0.1"), false);
		});
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
			it(what, async () => {
				await meeting.meet(
					world.chain(),
					{ afterLogin },
					async (node, server) => {
						const { at } = await node.event("offline");
						await node.event("offline", at + 1);
						assert.equal(node.hasEnded, false);
						assert.ok(server.logins > 0);
					},
				);
			});
	});

	describe("is left by a node, when between them somebody", () => {
		const claims = (type: number, length: number, version = 0x0303) =>
			Buffer.from([type, version >> 8, version, length >> 8, length]);
		for (const [what, why, rawAfterLogin] of [
			["says in the clear that it closes", /alert/, alertRecord(1, 0)],
			[
				"asks in the clear to begin anew",
				/sequence/,
				record(22, Buffer.alloc(4)),
			],
			["sends data in the clear", /length/, CONNACK_IN_THE_CLEAR],
			[
				"sends data with a seal of nobody",
				/auth/,
				record(23, Buffer.alloc(60, 7)),
			],
			["sends an alert with one", /auth/, record(21, Buffer.alloc(26, 7))],
			["switches ciphers", /sequence/, record(20, Buffer.from([1]))],
			["claims a record of 65,535 bytes", /length/, claims(23, 65_535)],
			["claims an empty record", /length/, claims(23, 0)],
			["sends a record of TLS 1.0", /TLS 1\.2/, claims(23, 60, 0x0301)],
		] as const)
			it(what, async () => {
				await meeting.meet(world.chain(), { rawAfterLogin }, async (node) => {
					const { report, at } = await node.event("offline");
					assert.notEqual(report.reason, "tls");
					assert.match(node.lines.slice(0, at).join("\n"), why);
					await node.event("offline", at + 1);
					assert.equal(node.hasEnded, false);
				});
			});
	});

	describe("is refused, when it", () => {
		const chains = {
			EC: () => world.chain(),
			RSA: () => world.rsaChain(),
		};
		for (const [kind, make] of Object.entries(chains)) {
			const refused = (what: string, why: RegExp, lies: () => Lies) =>
				it(`${what} (${kind})`, async () => {
					await meeting.refuses(make(), why, lies(), true);
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
			it(what, async () => {
				await meeting.refuses(world.chain(), why, {
					...lies,
					asksForCertificate: true,
				});
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
			it(what, async () => {
				// Its key exchange is genuine: our certificate is its to see.
				const lies = { asksForCertificate: true, ...(last && { last }) };
				await meeting.refuses(world.chain(), why, lies, false, 1);
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

		it("says that s = 0 is a signature", async () => {
			await meeting.refuses(world.chain(), /verify/, {
				// ECDSA with SHA-256: r = 1, s = 0
				signature: () => Buffer.from([4, 3, 0, 8, 0x30, 6, 2, 1, 1, 2, 1, 0]),
			});
		});
	});
});
