// biome-ignore-all lint/style/noDefaultExport: the modules that are described here have default exports.
/** The SDK's cryptography (modules/crypt) as far as a certificate's signature needs it; `@moddable/typings` 5.6 lacks it. */
declare module "crypt" {
	export class Digest {
		constructor(type: "SHA1" | "SHA256" | "SHA384" | "SHA512");
		write(message: string | ArrayBuffer | Uint8Array): void;
		close(): ArrayBuffer;
	}
}

declare module "ecdsa" {
	/** Never ends for s = 0: the caller judges 1 ≤ r, s < n first. */
	class ECDSA {
		constructor(
			key: { readonly X: bigint; readonly Y: bigint },
			curve: object,
			isPrivate?: boolean,
		);
		/** @param signature r and s, each as long as the curve's order */
		verify(hash: ArrayBuffer, signature: ArrayBuffer): boolean;
	}

	export { ECDSA as default };
}

declare module "rsa" {
	class RSA {
		constructor(exponent: bigint, modulus: bigint);
		/** value ** exponent mod modulus */
		process(value: bigint): bigint;
	}

	export { RSA as default };
}
