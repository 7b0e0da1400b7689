/**
 * Takes the place of the SDK's `ecdsa`, which is below it: checks the range of r and s first (FIPS 186-5, section 6.4.2). The
 * SDK's own looks for an inverse of s = 0 for ever.
 */
/// <reference path="./sdk.d.ts" />
import BER from "ber";
import PKCS1 from "pkcs1";
import SdkEcdsa, { type EcPoint } from "sdk/ecdsa";

class EcSignature extends SdkEcdsa {
	readonly #key: EcPoint & { readonly onVerified?: () => void };

	constructor(key: EcPoint, curve: object, isPrivate?: boolean) {
		super(key, curve, isPrivate);
		this.#key = key;
	}

	/** @param isDer the signature is the sequence of RFC 3279, section 2.2.3; otherwise r and s one after the other */
	override verify(
		hash: ArrayBuffer,
		signature: ArrayBuffer,
		isDer = false,
	): boolean {
		let r: bigint;
		let s: bigint;
		if (isDer) {
			const sequence = new BER(new BER(signature).getSequence());
			r = sequence.getInteger();
			s = sequence.getInteger();
		} else {
			const size = this.orderSize;
			r = PKCS1.OS2IP(signature.slice(0, size));
			s = PKCS1.OS2IP(signature.slice(size, size * 2));
		}
		const order = this.n.m;
		if (r < 1n || r >= order || s < 1n || s >= order) return false;
		if (!this._verify(hash, r, s)) return false;
		this.#key.onVerified?.();
		return true;
	}
}

// biome-ignore lint/style/noDefaultExport: the SDK's handshake imports it so.
export default EcSignature;
