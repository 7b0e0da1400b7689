import type { Crypto, PublicKey } from "./crypto.ts";
import type { CertificateReason } from "./reasons.ts";

export interface ChainOptions {
	/** DER of the pinned authorities. */
	readonly anchors: readonly Uint8Array[];
	/** A DNS name, or an IPv4 or IPv6 address (no brackets). */
	readonly host: string;
	/** ms since the Unix epoch; undefined when the clock is not set. */
	readonly nowMs: number | undefined;
	readonly crypto: Crypto;
}

export type ChainVerdict =
	/** `key` is the server's; its parts are views of the first certificate. */
	| { readonly trusted: true; readonly key: PublicKey }
	| {
			readonly trusted: false;
			readonly reason: CertificateReason;
			/** A sentence for people. */
			readonly detail: string;
	  };

export declare function checkServerChain(
	certificates: readonly Uint8Array[],
	options: ChainOptions,
): ChainVerdict;
