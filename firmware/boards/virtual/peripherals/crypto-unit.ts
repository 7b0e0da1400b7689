/** What a chip has in hardware or in ROM: SHA-256 in pieces, and signatures on P-256. A reset forgets the hashes under way. */
import { createHash, type Hash } from "node:crypto";
import { verifyP256 } from "./p256.ts";

const POINT_BYTES = 65;
const HASH_BYTES = 32;

export class CryptoUnit {
	readonly #hashes = new Map<number, Hash>();

	/** A hash of that number that is under way is forgotten. */
	begin(hash: number): void {
		this.#hashes.set(hash, createHash("sha256"));
	}

	/** @throws RangeError when none of that number is under way */
	update(hash: number, bytes: Uint8Array): void {
		this.#need(hash).update(bytes);
	}

	/** 32 bytes; the number is free again. @throws RangeError */
	digest(hash: number): Uint8Array {
		const digest = this.#need(hash).digest();
		this.#hashes.delete(hash);
		return digest;
	}

	/** @param bytes the point (65), the hash (32) and the signature (64), one behind the other */
	verifyP256(bytes: Uint8Array): boolean {
		const end = POINT_BYTES + HASH_BYTES;
		return verifyP256(
			bytes.subarray(0, POINT_BYTES),
			bytes.subarray(POINT_BYTES, end),
			bytes.subarray(end),
		);
	}

	reset(): void {
		this.#hashes.clear();
	}

	#need(number: number): Hash {
		const hash = this.#hashes.get(number);
		if (hash === undefined)
			throw new RangeError(`No hash ${number} is under way.`);
		return hash;
	}
}
