/** What a connection hands to the modules that take the places of the SDK's in `ssl/`. */

export interface RsaServerKey {
	readonly modulus: bigint;
	readonly exponent: bigint;
	onVerified?: () => void;
}

export interface EcServerKey {
	readonly pub: object & { onVerified?: () => void };
	readonly curve: object;
}

export type ServerKey = RsaServerKey | EcServerKey;

/** ../server-flight.ts */
export interface Flight {
	checkHeader(header: Uint8Array): number;
	checkBody(record: Uint8Array, hasFinished: boolean): void;
}

/** The `secure` options of the SDK's TLSSocket, as far as we use them. */
export interface SecureOptions {
	/** For SNI, which knows no addresses (RFC 6066, section 3): none then. */
	readonly serverName: string | undefined;
	/** DER; the first is the one of `clientKey`. */
	readonly clientCertificates: readonly ArrayBuffer[];
	/** PKCS #8, DER. RSA: the SDK's handshake signs with no other. */
	readonly clientKey: ArrayBuffer;
	/** @returns the key of the server's certificate. @throws when the chain is not to be trusted */
	judge(certificates: readonly Uint8Array[]): ServerKey;
	/** Sees each of the server's records first, and throws at one that must not be. One for each connection. */
	readonly flight: Flight;
	/** The session can not go on: called once, and from then on nothing is read or sent. */
	onFault(error: unknown): void;
}
