/** The arithmetic of certificates by Node's OpenSSL. */
import {
	constants,
	createHash,
	createPublicKey,
	publicEncrypt,
	verify,
} from "node:crypto";
import type { Crypto } from "../../firmware/tls/crypto.ts";

const base64url = (bytes: Uint8Array) =>
	Buffer.from(bytes).toString("base64url");

/** Node verifies messages, not hashes: so it is kept what the last hash was of. */
export function nodeCrypto(): Crypto {
	let hashed = new Uint8Array();
	return {
		digest(bits, bytes) {
			hashed = Uint8Array.from(bytes);
			return createHash(`sha${bits}`).update(hashed).digest();
		},
		rsaPublic({ modulus, exponent }, signature) {
			const key = createPublicKey({
				key: { kty: "RSA", n: base64url(modulus), e: base64url(exponent) },
				format: "jwk",
			});
			const padding = constants.RSA_NO_PADDING;
			return publicEncrypt({ key, padding }, signature);
		},
		ecdsaP256({ point }, _hash, r, s) {
			const key = createPublicKey({
				key: {
					kty: "EC",
					crv: "P-256",
					x: base64url(point.subarray(1, 33)),
					y: base64url(point.subarray(33)),
				},
				format: "jwk",
			});
			const signature = Buffer.concat([r, s]);
			return verify(
				"sha256",
				hashed,
				{ key, dsaEncoding: "ieee-p1363" },
				signature,
			);
		},
	};
}
