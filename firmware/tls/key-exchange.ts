/**
 * The signature on a server's key exchange (RFC 8422 §5.4, TLS 1.2), which proves that the server holds its certificate's
 * key. Moddable's handshake does not check it when the server names a hash or a scheme that it does not know, "none" and
 * "anonymous" among them, and its ECDSA never ends at s = 0: so this stands in its place.
 */
import type { Crypto, PublicKey } from "./crypto.ts";

export interface KeyExchange {
	/** 23: secp256r1 (RFC 8422 §5.1.1) */
	readonly curve: 23;
	/** The server's ephemeral point: 65 bytes, on the curve. */
	readonly point: Uint8Array;
}

/**
 * @param body of the ServerKeyExchange message, without its header
 * @param key what `checkServerChain` gave for this connection
 * @throws CertificateError "key_exchange", "malformed", "weak_key", "weak_signature" or "bad_signature"
 */
export declare function checkServerKeyExchange(
	body: Uint8Array,
	clientRandom: Uint8Array,
	serverRandom: Uint8Array,
	key: PublicKey,
	crypto: Crypto,
): KeyExchange;
