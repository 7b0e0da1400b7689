/** Certificates written byte by byte, so that every part can be another than it should be. */
import {
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
	sign,
} from "node:crypto";
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
	set,
	TRUE,
	text,
	tlv,
	utcTime,
	utf8,
} from "./der-writer.ts";

export interface Keys {
	readonly privateKey: KeyObject;
	/** SubjectPublicKeyInfo */
	readonly publicKey: Bytes;
}

export function ecKeys(namedCurve = "P-256"): Keys {
	const { privateKey } = generateKeyPairSync("ec", { namedCurve });
	return keysOf(privateKey);
}

export function rsaKeys(modulusLength = 2048, publicExponent = 65537): Keys {
	const { privateKey } = generateKeyPairSync("rsa", {
		modulusLength,
		publicExponent,
	});
	return keysOf(privateKey);
}

export function keysOf(privateKey: KeyObject): Keys {
	const publicKey = createPublicKey(privateKey).export({
		type: "spki",
		format: "der",
	});
	return { privateKey, publicKey: Uint8Array.from(publicKey) };
}

/** A signature's AlgorithmIdentifier, and the hash to sign with. */
export interface Algorithm {
	readonly identifier: Bytes;
	readonly hash: string;
}

const rsaWith = (arc: number, hash: string): Algorithm => ({
	identifier: sequence(oid(`1.2.840.113549.1.1.${arc}`), NULL),
	hash,
});

const ecdsaWith = (arc: number, hash: string): Algorithm => ({
	identifier: sequence(oid(`1.2.840.10045.4.3.${arc}`)),
	hash,
});

export const Algorithms = {
	RSA_MD5: rsaWith(4, "md5"),
	RSA_SHA1: rsaWith(5, "sha1"),
	RSA_SHA256: rsaWith(11, "sha256"),
	RSA_SHA384: rsaWith(12, "sha384"),
	RSA_SHA512: rsaWith(13, "sha512"),
	RSA_PSS: {
		identifier: sequence(oid("1.2.840.113549.1.1.10")),
		hash: "sha256",
	},
	ECDSA_SHA256: ecdsaWith(2, "sha256"),
	ECDSA_SHA384: ecdsaWith(3, "sha384"),
} as const;

export const algorithmOf = (keys: Keys): Algorithm =>
	keys.privateKey.asymmetricKeyType === "rsa"
		? Algorithms.RSA_SHA256
		: Algorithms.ECDSA_SHA256;

export const commonName = (name: string): Bytes =>
	name === ""
		? sequence()
		: sequence(set(sequence(oid("2.5.4.3"), utf8(name))));

export function extension(dotted: string, value: Bytes, critical = false) {
	const mark = critical ? TRUE : raw();
	return sequence(oid(dotted), mark, octets(value));
}

export const basicConstraints = (
	authority: boolean,
	pathLength?: number,
	critical = true,
) =>
	extension(
		"2.5.29.19",
		sequence(
			authority ? TRUE : raw(),
			pathLength === undefined ? raw() : integer(pathLength),
		),
		critical,
	);

export const Usage = {
	/** digitalSignature */
	SIGN: raw(0x03, 0x02, 0x07, 0x80),
	/** keyEncipherment */
	ENCIPHER: raw(0x03, 0x02, 0x05, 0x20),
	/** keyCertSign, cRLSign */
	CERTIFY: raw(0x03, 0x02, 0x01, 0x06),
	/** cRLSign */
	CRL: raw(0x03, 0x02, 0x01, 0x02),
} as const;

export const keyUsage = (usage: Bytes) => extension("2.5.29.15", usage, true);

export const Purpose = {
	SERVER: "1.3.6.1.5.5.7.3.1",
	CLIENT: "1.3.6.1.5.5.7.3.2",
	ANY: "2.5.29.37.0",
} as const;

export const extendedKeyUsage = (...purposes: readonly string[]) =>
	extension("2.5.29.37", sequence(...purposes.map(oid)));

export const dns = (name: string) => tlv(0x82, text(name));
export const ip = (...bytes: readonly number[]) => tlv(0x87, raw(...bytes));

export const subjectAltName = (...names: readonly Bytes[]) =>
	extension("2.5.29.17", sequence(...names));

/** A certificate to be. */
export interface Draft {
	readonly version: number;
	readonly serial: Bytes;
	/** The AlgorithmIdentifier within what is signed. */
	readonly inner: Bytes;
	readonly outer: Bytes;
	/** What it is signed with. */
	readonly hash: string;
	readonly issuer: Bytes;
	readonly validity: Bytes;
	readonly subject: Bytes;
	readonly publicKey: Bytes;
	/** Undefined leaves the field out. */
	readonly extensions: readonly Bytes[] | undefined;
	readonly signer: KeyObject;
	/** Done to what is signed, once it is. */
	readonly tamper: (signed: Bytes) => Bytes;
	/** In place of the signature that Node makes. */
	readonly signature: (signed: Bytes) => Bytes;
}

export type Changes = Partial<Draft>;

export const validity = (fromMs: number, toMs: number) =>
	sequence(utcTime(fromMs), utcTime(toMs));

export function write(draft: Draft): Bytes {
	const { version, extensions } = draft;
	const signed = sequence(
		version === 1 ? raw() : tlv(0xa0, raw(2, 1, version - 1)),
		draft.serial,
		draft.inner,
		draft.issuer,
		draft.validity,
		draft.subject,
		draft.publicKey,
		extensions === undefined ? raw() : tlv(0xa3, sequence(...extensions)),
	);
	const signature = draft.signature(signed);
	return sequence(draft.tamper(signed), draft.outer, bits(signature));
}

export const signWith =
	(hash: string, key: KeyObject) =>
	(signed: Bytes): Bytes =>
		Uint8Array.from(sign(hash, signed, key));

/** The bytes with some replaced. @throws Error when they are not there */
export function replace(bytes: Bytes, from: Bytes, to: Bytes): Bytes {
	const at = Buffer.from(bytes).indexOf(from);
	if (at < 0) throw new Error("The bytes to replace are not there.");
	return join(bytes.subarray(0, at), to, bytes.subarray(at + from.length));
}
