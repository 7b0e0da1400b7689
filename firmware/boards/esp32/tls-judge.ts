/** Judges a server by firmware/tls, on the arithmetic of the SDK's crypt modules. */
/// <reference path="./ssl/sdk.d.ts" />
import { Digest } from "crypt";
import Curve from "curve";
import Ecdsa from "ecdsa";
import ECPoint from "ecp";
import Rsa from "rsa";
import { parseAddress } from "../../tls/address.ts";
import { checkServerChain } from "../../tls/chain.ts";
import type { Crypto, EcKey, RsaKey } from "../../tls/crypto.ts";
import { CertificateError } from "../../tls/reasons.ts";
import type { Credentials } from "./identity-of-thing.ts";
import { ServerFlight } from "./server-flight.ts";
import type { SecureOptions, ServerKey } from "./ssl/secure-options.ts";

const crypto = Object.freeze<Crypto>({
	digest(bits, bytes) {
		const digest = new Digest(`SHA${bits}`);
		digest.write(bytes);
		return new Uint8Array(digest.close());
	},
	rsaPublic(key, signature) {
		const { modulus, exponent } = rsaOf(key);
		const rsa = new Rsa(exponent, modulus);
		const value = rsa.process(BigInt.fromArrayBuffer(copyOf(signature)));
		const { length } = key.modulus;
		const result = new Uint8Array(length);
		const bytes = new Uint8Array(ArrayBuffer.fromBigInt(value));
		result.set(bytes, length - bytes.length);
		return result;
	},
	ecdsaP256(key, hash, r, s) {
		const { pub, curve } = ecOf(key);
		return new Ecdsa(pub, curve).verify(
			copyOf(hash),
			copyOf(r).concat(copyOf(s)),
		);
	},
});

/**
 * @param host name or address of the endpoint
 * @param nowMs ms since the Unix epoch, or undefined while the time is not known
 */
export function secureOptions(
	host: string,
	{ certificate, key, authorities }: Credentials,
	nowMs: () => number | undefined,
): Omit<SecureOptions, "onFault"> {
	return {
		serverName: parseAddress(host) === undefined ? withoutDot(host) : undefined,
		clientCertificates: [certificate],
		clientKey: key,
		flight: new ServerFlight(),
		judge(certificates): ServerKey {
			const verdict = checkServerChain(certificates, {
				anchors: authorities,
				host,
				nowMs: nowMs(),
				crypto,
			});
			if (!verdict.trusted)
				throw new CertificateError(
					verdict.reason,
					`${verdict.reason}: ${verdict.detail}`,
				);
			return verdict.key.kind === "rsa"
				? rsaOf(verdict.key)
				: ecOf(verdict.key);
		},
	};
}

/** XS 17.9 reads freed memory where a collection falls into RegExp's exec: no regular expressions here. */
function withoutDot(host: string): string {
	return host.endsWith(".") ? host.slice(0, -1) : host;
}

function rsaOf(key: RsaKey): { modulus: bigint; exponent: bigint } {
	return {
		modulus: BigInt.fromArrayBuffer(copyOf(key.modulus)),
		exponent: BigInt.fromArrayBuffer(copyOf(key.exponent)),
	};
}

function ecOf({ point }: EcKey): { pub: ECPoint; curve: Curve } {
	return {
		pub: new ECPoint(
			BigInt.fromArrayBuffer(copyOf(point.subarray(1, 33))),
			BigInt.fromArrayBuffer(copyOf(point.subarray(33))),
		),
		curve: new Curve("secp256r1"),
	};
}

/** The SDK's conversions take whole buffers. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
	return bytes.slice().buffer as ArrayBuffer;
}
