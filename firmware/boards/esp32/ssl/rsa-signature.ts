/**
 * Takes the place of the SDK's `pkcs1_5`, which is below it: verifies by comparing with the one encoding there is (RFC 8017,
 * section 8.2.2). The SDK's own decodes what it finds, and overlooks the hash's name, short padding and what follows the hash.
 */
/// <reference path="./sdk.d.ts" />
import PKCS1 from "pkcs1";
import SdkPkcs1_5, { type RsaKey } from "sdk/pkcs1_5";

/** Object identifiers 2.16.840.1.101.3.4.2.n by the length of the hash: SHA-256, SHA-384, SHA-512 (RFC 8017, B.1). */
const HASHES: Readonly<Record<number, number>> = Object.freeze({
	32: 1,
	48: 2,
	64: 3,
});

interface VerifiedKey extends RsaKey {
	readonly onVerified?: () => void;
}

class RsaSignature extends SdkPkcs1_5 {
	readonly #key: VerifiedKey;

	constructor(key: VerifiedKey, isPrivate?: boolean, oid?: number[]) {
		super(key, isPrivate, oid);
		this.#key = key;
	}

	/** @param hash of what was signed: SHA-256, SHA-384 or SHA-512; any other is refused */
	override verify(hash: ArrayBuffer, signature: ArrayBuffer): boolean {
		const name = HASHES[hash.byteLength];
		if (name === undefined || signature.byteLength !== this.modulusSize)
			return false;
		const value = PKCS1.OS2IP(signature);
		if (value >= this.#key.modulus) return false;
		this.oid = [2, 16, 840, 1, 101, 3, 4, 2, name];
		const encoded = this.emsaEncode(hash, this.modulusSize - 1);
		if (this.rsa.process(value) !== encoded) return false;
		this.#key.onVerified?.();
		return true;
	}
}

// biome-ignore lint/style/noDefaultExport: the SDK's handshake imports it so.
export default RsaSignature;
