import assert from "node:assert/strict";
import { sign } from "node:crypto";
import fc from "fast-check";
import {
	integer,
	join,
	raw,
	sequence,
} from "../../test/certificates/der-writer.ts";
import { nodeCrypto } from "../../test/certificates/node-crypto.ts";
import { World } from "../../test/certificates/world.ts";
import { ecKeys, type Keys } from "../../test/certificates/writer.ts";
import { checkServerChain } from "./chain.ts";
import type { PublicKey } from "./crypto.ts";
import { checkServerKeyExchange } from "./key-exchange.ts";
import { CertificateError } from "./reasons.ts";

const crypto = nodeCrypto();
const RANDOMS = [
	new Uint8Array(32).fill(1),
	new Uint8Array(32).fill(2),
] as const;
const NAMED_P256 = raw(3, 0, 23, 65);

describe("A server's key exchange", function () {
	this.timeout(30_000);
	let world: World;
	let point: Uint8Array;
	let keys: Record<"ec" | "rsa", PublicKey>;

	before(() => {
		world = new World();
		point = ecKeys().publicKey.subarray(-65);
		const keyOf = (chain: ReturnType<World["chain"]>) => {
			const { certificates, ...options } = chain;
			const verdict = checkServerChain(certificates, { ...options, crypto });
			assert.ok(verdict.trusted);
			return verdict.key;
		};
		keys = { ec: keyOf(world.chain()), rsa: keyOf(world.rsaChain()) };
	});

	/** A ServerKeyExchange as this server sends it. */
	const message = (
		by: Keys,
		changes: {
			readonly parameters?: Uint8Array;
			readonly scheme?: readonly [number, number];
			readonly randoms?: readonly Uint8Array[];
			readonly signature?: Uint8Array;
			readonly length?: number;
			readonly hash?: string;
		} = {},
	): Uint8Array => {
		const parameters = changes.parameters ?? join(NAMED_P256, point);
		const isRsa = by.privateKey.asymmetricKeyType === "rsa";
		const signed = join(...(changes.randoms ?? RANDOMS), parameters);
		const signature =
			changes.signature ??
			Uint8Array.from(sign(changes.hash ?? "sha256", signed, by.privateKey));
		const length = changes.length ?? signature.length;
		return join(
			parameters,
			raw(...(changes.scheme ?? [4, isRsa ? 1 : 3])),
			raw(length >> 8, length & 0xff),
			signature,
		);
	};

	const check = (body: Uint8Array, key: PublicKey) =>
		checkServerKeyExchange(body, ...RANDOMS, key, crypto);

	const refuses = (body: Uint8Array, key: PublicKey, code: string) =>
		assert.throws(
			() => check(body, key),
			(error) => error instanceof CertificateError && error.code === code,
		);

	it("is accepted when the server's EC key has signed it", () => {
		const exchange = check(message(world.ec.leaf), keys.ec);
		assert.equal(exchange.curve, 23);
		assert.deepEqual(Buffer.from(exchange.point), Buffer.from(point));
	});

	it("is accepted when the server's RSA key has signed it", () => {
		check(message(world.rsa.leaf), keys.rsa);
	});

	for (const [hash, scheme] of [
		[0, 0],
		[0, 1],
		[0, 3],
		[4, 0],
		[7, 3],
		[4, 2],
		[2, 3],
		[5, 3],
	] as const) {
		it(`is refused unsigned: hash ${hash}, scheme ${scheme}`, () => {
			for (const key of [keys.ec, keys.rsa]) {
				const unsigned = { scheme: [hash, scheme], signature: raw() } as const;
				refuses(message(world.ec.leaf, unsigned), key, "key_exchange");
			}
		});
	}

	it("is refused with another hash than was offered, though well signed", () => {
		const sha384 = { scheme: [5, 3], hash: "sha384" } as const;
		refuses(message(world.ec.leaf, sha384), keys.ec, "key_exchange");
	});

	it("is refused with the scheme of another kind of key", () => {
		refuses(
			message(world.ec.leaf, { scheme: [4, 1] }),
			keys.ec,
			"key_exchange",
		);
		refuses(message(world.ec.leaf), keys.rsa, "key_exchange");
	});

	it("is refused when another key has signed it", () => {
		refuses(message(world.stranger), keys.ec, "bad_signature");
		refuses(message(world.rsa.root), keys.rsa, "bad_signature");
	});

	it("is refused when it was signed for another connection", () => {
		const [client, server] = RANDOMS;
		for (const randoms of [
			[server, client],
			[client, client],
		]) {
			refuses(message(world.ec.leaf, { randoms }), keys.ec, "bad_signature");
		}
	});

	it("is refused on another curve, with explicit parameters or a compressed point", () => {
		for (const parameters of [
			join(raw(3, 0, 24, 65), point),
			join(raw(1, 0, 23, 65), point),
			join(raw(3, 0, 23, 33, 2), point.subarray(1, 33)),
			raw(),
		]) {
			refuses(message(world.ec.leaf, { parameters }), keys.ec, "key_exchange");
		}
	});

	it("is refused with a point that is not on the curve", () => {
		const parameters = join(
			NAMED_P256,
			point.slice(0, 64),
			raw(point[64]! ^ 1),
		);
		refuses(message(world.ec.leaf, { parameters }), keys.ec, "weak_key");
	});

	it("is refused at s = 0, at which the SDK's ECDSA never ends", () => {
		const signature = sequence(integer(1), integer(0));
		refuses(message(world.ec.leaf, { signature }), keys.ec, "bad_signature");
	});

	it("is refused with another length than it has", () => {
		for (const length of [0, 10, 1000]) {
			refuses(message(world.ec.leaf, { length }), keys.ec, "key_exchange");
		}
		const whole = message(world.ec.leaf);
		refuses(join(whole, raw(0)), keys.ec, "key_exchange");
	});

	it("is refused when any bit of it is another", () => {
		const whole = message(world.ec.leaf);
		for (let bit = 0; bit < whole.length * 8; bit++) {
			const changed = whole.slice();
			changed[bit >> 3]! ^= 1 << (bit & 7);
			assert.throws(() => check(changed, keys.ec), CertificateError);
		}
	});

	it("is refused, and nothing worse, when it is any bytes", () => {
		const start = fc.constantFrom(raw(), NAMED_P256, join(NAMED_P256, point));
		fc.assert(
			fc.property(start, fc.uint8Array({ maxLength: 200 }), (head, tail) => {
				assert.throws(() => check(join(head, tail), keys.ec), CertificateError);
			}),
		);
	});
});
