/** Hashes and signatures of updates, on the SDK's crypt modules. */
/// <reference path="./ssl/sdk.d.ts" />
import { Digest } from "crypt";
import Curve from "curve";
import Ecdsa from "ecdsa";
import ECPoint from "ecp";
import type { UpdateCrypto } from "../../node/update-ports.ts";

export const updateCrypto = Object.freeze<UpdateCrypto>({
	sha256() {
		const digest = new Digest("SHA256");
		return {
			update: (bytes) => digest.write(bytes),
			digest: () => new Uint8Array(digest.close()),
		};
	},
	/** `ecdsa` is ours (ssl/ec-signature.ts): it looks at the range of r and s before the SDK's, which would never end. */
	verifyP256(point, hash, signature) {
		const key = new ECPoint(
			BigInt.fromArrayBuffer(copyOf(point.subarray(1, 33))),
			BigInt.fromArrayBuffer(copyOf(point.subarray(33))),
		);
		return new Ecdsa(key, new Curve("secp256r1")).verify(
			copyOf(hash),
			copyOf(signature),
		);
	},
});

function copyOf(bytes: Uint8Array): ArrayBuffer {
	return bytes.slice().buffer as ArrayBuffer;
}
