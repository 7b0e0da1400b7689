/** What this folder needs of a board's cryptography: arithmetic alone. What the numbers mean is judged here. */

/** Bits of the SHA-2 hash. */
export type HashBits = 256 | 384 | 512;

export interface RsaKey {
	readonly kind: "rsa";
	/** Big-endian, without leading zeros; odd, 2,048 … 4,096 bits. */
	readonly modulus: Uint8Array;
	/** Big-endian, without leading zeros; odd, 65,537 … 2³² − 1. */
	readonly exponent: Uint8Array;
}

export interface EcKey {
	readonly kind: "p256";
	/** 4, x, y: 65 bytes; on the curve. */
	readonly point: Uint8Array;
}

export type PublicKey = RsaKey | EcKey;

/**
 * All views are of the caller's bytes and hold only until the call returns. An exception is none of this folder's and
 * passes through: the connection must not go on then.
 */
export interface Crypto {
	digest(bits: HashBits, bytes: Uint8Array): Uint8Array;
	/**
	 * signature ^ exponent mod modulus, big-endian, padded with zeros to the modulus' length. The signature is as long as
	 * the modulus and smaller. No padding is to be checked or taken off: that is done here.
	 */
	rsaPublic(key: RsaKey, signature: Uint8Array): Uint8Array;
	/** Whether (r, s), 32 bytes each and in 1 … n − 1, is a signature of this 32-byte hash. */
	ecdsaP256(
		key: EcKey,
		hash: Uint8Array,
		r: Uint8Array,
		s: Uint8Array,
	): boolean;
}
