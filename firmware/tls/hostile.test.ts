/** Bytes from anyone: the answer is a refusal, never an exception, and never trust in what was not signed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { raw } from "../../test/certificates/der-writer.ts";
import { nodeCrypto } from "../../test/certificates/node-crypto.ts";
import { type Chain, World } from "../../test/certificates/world.ts";
import { dns, extension } from "../../test/certificates/writer.ts";
import { CHAIN_BYTES_MAX, checkServerChain } from "./chain.ts";

const crypto = nodeCrypto();

const isTrusted = ({ certificates, ...options }: Chain): boolean =>
	checkServerChain(certificates, { ...options, crypto }).trusted;

/** The chain with its certificate of this index replaced. */
const withCertificate = (chain: Chain, index: number, bytes: Uint8Array) => ({
	...chain,
	certificates: chain.certificates.map((old, at) =>
		at === index ? bytes : old,
	),
});

describe("Hostile certificates", () => {
	let chains: Record<"EC" | "RSA", Chain>;
	let world: World;

	before(() => {
		world = new World();
		chains = { EC: world.chain(), RSA: world.rsaChain() };
	});

	for (const kind of ["EC", "RSA"] as const) {
		for (const [index, whose] of ["server", "intermediate"].entries()) {
			it(`are refused when any bit of the ${whose}'s is another (${kind})`, () => {
				const chain = chains[kind];
				const bytes = chain.certificates[index]!;
				assert.equal(isTrusted(chain), true);
				for (let bit = 0; bit < bytes.length * 8; bit++) {
					const changed = bytes.slice();
					changed[bit >> 3]! ^= 1 << (bit & 7);
					const trusted = isTrusted(withCertificate(chain, index, changed));
					assert.equal(trusted, false, `bit ${bit}`);
				}
			});

			it(`are refused when the ${whose}'s ends too early (${kind})`, () => {
				const chain = chains[kind];
				const bytes = chain.certificates[index]!;
				for (let length = 0; length < bytes.length; length++) {
					const cut = bytes.subarray(0, length);
					const trusted = isTrusted(withCertificate(chain, index, cut));
					assert.equal(trusted, false, `${length} bytes`);
				}
			});
		}
	}

	it("are refused when bytes are taken out, put in or written over", () => {
		const chain = chains.EC;
		const edits = fc.array(
			fc.record({
				at: fc.double({ min: 0, max: 1, noNaN: true }),
				remove: fc.nat(8),
				insert: fc.uint8Array({ maxLength: 8 }),
			}),
			{ minLength: 1, maxLength: 4 },
		);
		fc.assert(
			fc.property(fc.nat(1), edits, (index, all) => {
				const sound = chain.certificates[index]!;
				const bytes = [...sound];
				for (const { at, remove, insert } of all) {
					bytes.splice(Math.floor(at * bytes.length), remove, ...insert);
				}
				const edited = Uint8Array.from(bytes);
				fc.pre(!Buffer.from(edited).equals(sound));
				return !isTrusted(withCertificate(chain, index, edited));
			}),
			{ numRuns: 3000 },
		);
	});

	it("are refused when they are random bytes", () => {
		const certificates = fc.array(fc.uint8Array({ maxLength: 200 }), {
			maxLength: 9,
		});
		fc.assert(
			fc.property(
				certificates,
				certificates,
				fc.string(),
				(sent, anchors, host) =>
					!isTrusted({ ...chains.EC, certificates: sent, anchors, host }),
			),
			{ numRuns: 2000 },
		);
	});

	it("do no harm beyond the path, whatever they are", () => {
		fc.assert(
			fc.property(
				fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
				(more) =>
					isTrusted({
						...chains.EC,
						certificates: [...chains.EC.certificates, ...more],
					}),
			),
			{ numRuns: 300 },
		);
	});

	it("meet a damaged pinned authority without an exception", () => {
		const [anchor] = chains.EC.anchors;
		const { publicKey } = world.root.keys;
		const keyAt = Buffer.from(anchor!).indexOf(publicKey);
		assert.ok(keyAt > 0);
		for (let at = 0; at < anchor!.length; at++) {
			const damaged = anchor!.slice();
			damaged[at]! ^= 0xff;
			// Its serial number and its own signature are nobody's business; its key is.
			const trusted = isTrusted({ ...chains.EC, anchors: [damaged] });
			const inKey = at >= keyAt && at < keyAt + publicKey.length;
			assert.ok(!trusted || !inKey, `byte ${at}`);
		}
	});

	it("nest as deep as they like without deepening the stack", () => {
		const deep = new Uint8Array(16_000);
		for (let at = 0; at < deep.length; at += 4) {
			const left = deep.length - at - 4;
			deep.set([0x30, 0x82, left >> 8, left & 0xff], at);
		}
		assert.equal(isTrusted(withCertificate(chains.EC, 0, deep)), false);
	});

	it("cannot make work with thousands of extensions", () => {
		const tiny = extension("1.2.3", raw());
		const chain = world.chain({
			leaf: { extensions: new Array<Uint8Array>(1100).fill(tiny) },
		});
		assert.ok(chain.certificates[0]!.length < CHAIN_BYTES_MAX);
		assert.equal(isTrusted(chain), false);
	});

	it("may have as many names as fit", () => {
		const names = new Array<Uint8Array>(900).fill(dns("other.test"));
		const chain = world.named(
			[...names, dns("broker.example.com")],
			"broker.example.com",
		);
		assert.equal(isTrusted(chain), true);
	});

	it("leave what the board's cryptography throws to the board", () => {
		const { certificates, ...options } = chains.EC;
		const broken = {
			...crypto,
			digest: () => {
				throw new RangeError("out of memory");
			},
		};
		assert.throws(
			() => checkServerChain(certificates, { ...options, crypto: broken }),
			RangeError,
		);
	});

	it("are never trusted for a cryptography that says no, and never read beyond their own bytes", () => {
		const no = { ...crypto, ecdsaP256: () => false };
		const { certificates, ...options } = chains.EC;
		// Each certificate as a view into a larger buffer, as a TLS record has them.
		const views = certificates.map((bytes) => {
			const buffer = new Uint8Array(bytes.length + 64).fill(0x30);
			buffer.set(bytes, 32);
			return buffer.subarray(32, 32 + bytes.length);
		});
		const check = (using: typeof crypto) =>
			checkServerChain(views, { ...options, crypto: using });
		assert.deepEqual(check(no), {
			trusted: false,
			reason: "bad_signature",
			detail: "A signature is not the issuer's.",
		});
		assert.equal(check(crypto).trusted, true);
	});
});
