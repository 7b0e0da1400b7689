/**
 * Takes the place of the SDK's `ssl/ciphersuites`, whose list always begins with RSA key exchange and CBC: what this one offers
 * has forward secrecy and authenticated encryption, and nothing else is accepted (RFC 9325, section 4.2).
 */
/// <reference path="./sdk.d.ts" />
import { AES, ECDHE_RSA, GCM, SHA256 } from "ssl/constants";

const AES_128_GCM_SHA256 = {
	isExportable: false,
	// The SDK has one name for ECDHE, whatever the signature.
	keyExchangeAlgorithm: ECDHE_RSA,
	cipherAlgorithm: AES,
	cipherKeySize: 16,
	cipherBlockSize: 16,
	hashAlgorithm: SHA256,
	hashSize: 32,
	encryptionMode: GCM,
	// RFC 5288, section 3: 8 bytes of nonce in each record, 4 from the key block.
	ivSize: 8,
	saltSize: 4,
};

const cipherSuites = Object.freeze(
	[
		/** TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5289, section 3.2) */
		{ ...AES_128_GCM_SHA256, value: [0xc0, 0x2b] },
		/** TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 (same) */
		{ ...AES_128_GCM_SHA256, value: [0xc0, 0x2f] },
	],
	true,
);

// biome-ignore lint/style/noDefaultExport: the SDK's handshake imports it so.
export default cipherSuites;
