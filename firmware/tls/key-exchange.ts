/**
 * The signature on a server's key exchange (RFC 8422 §5.4, TLS 1.2), which proves that the server holds its certificate's
 * key. Moddable's handshake does not check it when the server names a hash or a scheme that it does not know, "none" and
 * "anonymous" among them, and its ECDSA never ends at s = 0: so this stands in its place.
 */
import { readEcKey } from "./algorithms.ts";
import type { Crypto, PublicKey } from "./crypto.ts";
import { refuse } from "./reasons.ts";
import { hasSigned } from "./signature.ts";

export interface KeyExchange {
	/** 23: secp256r1 (RFC 8422 §5.1.1) */
	readonly curve: 23;
	/** The server's ephemeral point: 65 bytes, on the curve. */
	readonly point: Uint8Array;
}

/** curve_type named_curve, secp256r1, and the length of an uncompressed point. */
const PARAMETERS = [3, 0, 23, 65] as const;
const PARAMETERS_BYTES = PARAMETERS.length + 65;
/** RFC 5246 §7.4.1.4.1, and the only hash that the node offers. */
const SHA256 = 4;
const SCHEME = { rsa: 1, p256: 3 } as const;

/**
 * @param body of the ServerKeyExchange message, without its header
 * @param key what `checkServerChain` gave for this connection
 * @throws CertificateError "key_exchange", "malformed", "weak_key" or "bad_signature"
 */
export function checkServerKeyExchange(
	body: Uint8Array,
	clientRandom: Uint8Array,
	serverRandom: Uint8Array,
	key: PublicKey,
	crypto: Crypto,
): KeyExchange {
	if (PARAMETERS.some((byte, index) => body[index] !== byte)) {
		refuse("key_exchange", "The server's key exchange is not on P-256.");
	}
	const parameters = body.subarray(0, PARAMETERS_BYTES);
	const [hash, scheme, high = 0, low = 0] = body.subarray(PARAMETERS_BYTES);
	if (hash !== SHA256 || scheme !== SCHEME[key.kind]) {
		refuse("key_exchange", "The key exchange is not signed as it was asked.");
	}
	const signature = body.subarray(PARAMETERS_BYTES + 4);
	if (signature.length !== high * 256 + low) {
		refuse("key_exchange", "The key exchange has another length than it says.");
	}
	const { point } = readEcKey(parameters.subarray(PARAMETERS.length));
	const good = hasSigned(
		[clientRandom, serverRandom, parameters],
		{ kind: key.kind, bits: 256 },
		signature,
		key,
		crypto,
	);
	if (!good) refuse("bad_signature", "The key exchange is not the server's.");
	return { curve: 23, point };
}
