/** Certificates with keys and signatures that are weak, wrong or forged. */
import { constants, createHash, privateEncrypt } from "node:crypto";
import { toBigInt } from "../../firmware/tls/p256.ts";
import type { Case } from "./case.ts";
import {
	type Bytes,
	bits,
	integer,
	join,
	NULL,
	octets,
	oid,
	raw,
	sequence,
	tlv,
} from "./der-writer.ts";
import type { World } from "./world.ts";
import {
	type Algorithm,
	Algorithms,
	type Changes,
	ecKeys,
	rsaKeys,
	signWith,
} from "./writer.ts";

type Reason = Case["expect"];

/** A server's certificate of this kind under the EC intermediate. */
const server = (
	name: string,
	expect: Reason,
	leaf: (world: World) => Changes,
	nodeDiffers?: string,
): Case => ({
	name,
	expect,
	make: (world) => world.chain({ leaf: leaf(world) }),
	...(nodeDiffers === undefined ? {} : { nodeDiffers }),
});

/** A server's certificate that the RSA intermediate signs. */
const underRsa = (
	name: string,
	expect: Reason,
	leaf: (world: World) => Changes,
): Case => ({ name, expect, make: (world) => world.rsaChain(leaf(world)) });

const signedWith = ({ identifier, hash }: Algorithm): Changes => ({
	inner: identifier,
	hash,
});

/** A server with this key, which need not be one. */
const key = (
	name: string,
	publicKey: (world: World) => Bytes,
	nodeDiffers?: string,
): Case =>
	server(
		name,
		"weak_key",
		(world) => ({ publicKey: publicKey(world) }),
		nodeDiffers,
	);

const RSA_ENCRYPTION = sequence(oid("1.2.840.113549.1.1.1"), NULL);
const EC_ON_P256 = sequence(
	oid("1.2.840.10045.2.1"),
	oid("1.2.840.10045.3.1.7"),
);

const rsaKey = (modulus: Bytes, exponent: Bytes) =>
	sequence(RSA_ENCRYPTION, bits(sequence(integer(modulus), integer(exponent))));
const MODULUS = new Uint8Array(256).fill(0xff);

const ecKey = (point: Bytes) => sequence(EC_ON_P256, bits(point));
const pointOf = (world: World) => world.ec.leaf.publicKey.subarray(-65);

/** What is signed, changed in one bit somewhere in its subject. */
const flipped = (signed: Bytes): Bytes => {
	const copy = signed.slice();
	const at = Buffer.from(copy).indexOf("broker.example.com");
	copy[at] = (copy[at] ?? 0) ^ 1;
	return copy;
};

/** EMSA-PKCS1-v1_5, with these pieces (RFC 8017 §9.2). */
function encodeHash(
	signed: Bytes,
	{
		start = raw(0, 1),
		hash = "sha256",
		arc = "2.16.840.1.101.3.4.2.1",
		parameters = NULL,
		padding,
		after = raw(),
	}: {
		readonly start?: Bytes;
		readonly hash?: string;
		readonly arc?: string;
		readonly parameters?: Bytes;
		/** Bytes of 0xFF */
		readonly padding?: number;
		readonly after?: Bytes;
	},
): Bytes {
	const digest = Uint8Array.from(createHash(hash).update(signed).digest());
	const info = sequence(sequence(oid(arc), parameters), octets(digest));
	const room = 256 - start.length - 1 - info.length - after.length;
	const filled = new Uint8Array(padding ?? room).fill(0xff);
	const encoded = join(start, filled, raw(0), info, after);
	return join(encoded, new Uint8Array(256 - encoded.length));
}

/** The intermediate's signature, over this encoding. */
const forged = (name: string, pieces: Parameters<typeof encodeHash>[1]): Case =>
	underRsa(name, "bad_signature", ({ rsa }) => ({
		signature: (signed) =>
			Uint8Array.from(
				privateEncrypt(
					{
						key: rsa.intermediate.privateKey,
						padding: constants.RSA_NO_PADDING,
					},
					encodeHash(signed, pieces),
				),
			),
	}));

const ORDER = raw(
	...Buffer.from(
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
		"hex",
	),
);
const ecdsa = (name: string, r: Bytes, s: Bytes, after = raw()): Case =>
	server(name, "bad_signature", () => ({
		signature: () => sequence(r, s, after),
	}));

/** The signature as a number, larger by the modulus: the same to arithmetic. */
function aboveModulus({ rsa: { intermediate } }: World, signature: Bytes) {
	const jwk = intermediate.privateKey.export({ format: "jwk" });
	const modulus = Buffer.from(jwk.n ?? "", "base64url");
	const sum = toBigInt(signature) + toBigInt(modulus);
	return Uint8Array.from(
		Buffer.from(sum.toString(16).padStart(514, "0"), "hex"),
	);
}

export const BAD_ARITHMETIC: readonly Case[] = [
	server("a server changed after it was signed", "bad_signature", () => ({
		tamper: flipped,
	})),
	server(
		"a server signed by another key than its issuer's",
		"bad_signature",
		(world) => ({
			signer: world.stranger.privateKey,
		}),
	),
	{
		name: "an intermediate signed by another key than its issuer's",
		expect: "bad_signature",
		make: (world) =>
			world.chain({ intermediate: { signer: world.stranger.privateKey } }),
	},
	underRsa(
		"an RSA server changed after it was signed",
		"bad_signature",
		() => ({
			tamper: flipped,
		}),
	),
	underRsa(
		"an ECDSA signature under an RSA issuer",
		"bad_signature",
		(world) => ({
			inner: Algorithms.ECDSA_SHA256.identifier,
			signer: world.stranger.privateKey,
		}),
	),
	underRsa("a signature with SHA-1", "weak_signature", () =>
		signedWith(Algorithms.RSA_SHA1),
	),
	underRsa("a signature with MD5", "weak_signature", () =>
		signedWith(Algorithms.RSA_MD5),
	),
	underRsa("a signature of RSA-PSS", "weak_signature", () =>
		signedWith(Algorithms.RSA_PSS),
	),
	server(
		"a signature of ECDSA with SHA-384",
		"weak_signature",
		() => signedWith(Algorithms.ECDSA_SHA384),
		"it knows how; the SDK does not",
	),
	{
		...underRsa("a signature algorithm with parameters", "malformed", () => ({
			inner: sequence(oid("1.2.840.113549.1.1.11"), integer(1)),
		})),
		nodeDiffers: "it bears with such writers",
	},
	key("an RSA key of 1024 bits", () => rsaKeys(1024).publicKey),
	key("an RSA key of 2047 bits", () =>
		rsaKey(join(raw(0x7f), MODULUS.subarray(1)), raw(1, 0, 1)),
	),
	key("an RSA key of 4097 bits", () =>
		rsaKey(join(raw(1), MODULUS, MODULUS), raw(1, 0, 1)),
	),
	key("an RSA key of 8192 bits", () =>
		rsaKey(new Uint8Array(1024).fill(0xff), raw(1, 0, 1)),
	),
	key("an RSA key with exponent 3", () => rsaKeys(2048, 3).publicKey),
	{
		...key("an RSA key with a negative modulus", () =>
			sequence(
				RSA_ENCRYPTION,
				bits(
					sequence(
						tlv(
							2,
							MODULUS.map((_, at) => 0xfe | at),
						),
						integer(65537),
					),
				),
			),
		),
		expect: "malformed",
	},
	key("an RSA key with exponent 1", () => rsaKey(MODULUS, raw(1))),
	key("an RSA key with an even exponent", () => rsaKey(MODULUS, raw(1, 0, 2))),
	key("an RSA key with an exponent of 33 bits", () =>
		rsaKey(MODULUS, raw(1, 0, 0, 0, 1)),
	),
	key("an RSA key with an even modulus", () =>
		rsaKey(join(MODULUS.subarray(1), raw(0xfe)), raw(1, 0, 1)),
	),
	key("a key on P-384", () => ecKeys("P-384").publicKey),
	key("a point of P-256 that is said to be of another curve", (world) =>
		sequence(
			sequence(oid("1.2.840.10045.2.1"), oid("1.3.132.0.10")),
			bits(pointOf(world)),
		),
	),
	key("a point of P-256 that is said to be of another algorithm", (world) =>
		sequence(
			sequence(oid("1.3.132.1.12"), oid("1.2.840.10045.3.1.7")),
			bits(pointOf(world)),
		),
	),
	{
		...key("an RSA key with a NULL that is not empty", () =>
			sequence(
				sequence(oid("1.2.840.113549.1.1.1"), raw(5, 1, 0)),
				bits(sequence(integer(MODULUS), integer(65537))),
			),
		),
		expect: "malformed",
	},
	key("a key of Ed25519", () =>
		sequence(sequence(oid("1.3.101.112")), bits(new Uint8Array(32))),
	),
	key("a point that is not on the curve", (world) => {
		const point = pointOf(world).slice();
		point[64] = (point[64] ?? 0) ^ 1;
		return ecKey(point);
	}),
	key("a point with a coordinate beyond the field", () =>
		ecKey(join(raw(4), new Uint8Array(64).fill(0xff))),
	),
	key(
		"a compressed point",
		(world) => {
			const point = pointOf(world);
			return ecKey(
				join(raw(2 + ((point[64] ?? 0) & 1)), point.subarray(1, 33)),
			);
		},
		"it can unpack them",
	),
	key(
		"a point in the hybrid form",
		(world) => {
			const point = pointOf(world);
			return ecKey(join(raw(6 + ((point[64] ?? 0) & 1)), point.subarray(1)));
		},
		"it can unpack them",
	),
	key("a point with a byte after it", (world) =>
		ecKey(join(pointOf(world), raw(0))),
	),
	key("the point at infinity", () => ecKey(raw(0))),
	{
		name: "an issuer with an RSA key of 1024 bits",
		nodeDiffers: "OpenSSL's security level 1 still takes them",
		expect: "weak_key",
		make: (world) => {
			const weak = world.other("Weak", rsaKeys(1024));
			return {
				...world.chain(),
				certificates: [world.server(weak), world.authority(world.root, weak)],
			};
		},
	},
	forged("a forged RSA padding: bytes after the hash", {
		after: new Uint8Array(100).fill(7),
		padding: 8,
	}),
	forged("a forged RSA padding: no filling", { padding: 0 }),
	forged("a forged RSA padding: filling of the wrong kind", {
		start: raw(0, 2),
	}),
	forged("a forged RSA padding: a byte ahead", { start: raw(0, 0, 1) }),
	forged("a forged RSA padding: another hash's name", {
		arc: "2.16.840.1.101.3.4.2.2",
	}),
	forged("a forged RSA padding: no NULL", { parameters: raw() }),
	forged("a forged RSA padding: SHA-1 within SHA-256", {
		hash: "sha1",
		arc: "1.3.14.3.2.26",
	}),
	underRsa(
		"an RSA signature shorter than the modulus",
		"bad_signature",
		() => ({
			signature: () => new Uint8Array(255).fill(1),
		}),
	),
	underRsa("an RSA signature beyond the modulus", "bad_signature", (world) => ({
		signature: (signed) =>
			aboveModulus(
				world,
				signWith("sha256", world.rsa.intermediate.privateKey)(signed),
			),
	})),
	underRsa("an RSA signature of ones", "bad_signature", () => ({
		signature: () => new Uint8Array(256).fill(0xff),
	})),
	ecdsa("an ECDSA signature with s = 0", integer(1), integer(0)),
	ecdsa("an ECDSA signature with r = 0", integer(0), integer(1)),
	ecdsa("an ECDSA signature with s = n", integer(1), integer(ORDER)),
	ecdsa("an ECDSA signature with r = n", integer(ORDER), integer(1)),
	ecdsa("an ECDSA signature with a negative s", integer(1), raw(2, 1, 0xff)),
	ecdsa(
		"an ECDSA signature with s of 40 bytes",
		integer(1),
		integer(new Uint8Array(40).fill(1)),
	),
	server("an ECDSA signature with something after it", "malformed", () => ({
		signature: () => sequence(integer(1), integer(1), integer(1)),
	})),
	server("an ECDSA signature that is no DER", "malformed", () => ({
		signature: () => new Uint8Array(64).fill(1),
	})),
	server("no signature", "malformed", () => ({ signature: () => raw() })),
];
