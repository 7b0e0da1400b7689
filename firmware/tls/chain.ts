/**
 * Decides whether a server is the one that was asked for, from the certificates that it sent and the pinned authorities
 * (RFC 5280 §6.1, RFC 9525).
 *
 * The path is built from the leaf upwards and ends at the first pinned authority; what the server sent beyond is not
 * looked at (AWS appends links to older roots). At each step the issuer is a pinned authority of the issuer's name whose
 * key fits, else the first certificate of the list with that name: certificates in another order, and foreign ones between,
 * do no harm. Nothing is tried again: a link that is bad ends it. So at most 7 signatures beside the anchors' are checked.
 */
import { readSignatureAlgorithm } from "./algorithms.ts";
import {
	type Certificate,
	readCertificate,
	readSubject,
} from "./certificate.ts";
import type { Crypto, PublicKey } from "./crypto.ts";
import { equalBytes } from "./der.ts";
import { checkHost } from "./names.ts";
import { CertificateError, type CertificateReason, refuse } from "./reasons.ts";
import { hasSigned } from "./signature.ts";

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

/** AWS sends 4 certificates of about 5 KB together. */
export const CERTIFICATES_MAX = 8;
export const CHAIN_BYTES_MAX = 16384;

/**
 * @param certificates as the server sent them: DER, its own first
 * @returns a verdict, for any bytes; only what `crypto` throws passes through
 */
export function checkServerChain(
	certificates: readonly Uint8Array[],
	options: ChainOptions,
): ChainVerdict {
	try {
		const leaf = checkLeaf(certificates, options);
		climb(leaf, certificates.slice(1), options);
		return { trusted: true, key: leaf.key };
	} catch (error) {
		if (!(error instanceof CertificateError)) throw error;
		return { trusted: false, reason: error.code, detail: error.message };
	}
}

/** What needs no signature comes first, as it costs little. */
function checkLeaf(
	certificates: readonly Uint8Array[],
	{ nowMs, host }: ChainOptions,
): Certificate {
	const [first] = certificates;
	if (first === undefined) refuse("empty", "The server sent no certificate.");
	const bytes = certificates.reduce((sum, { length }) => sum + length, 0);
	if (certificates.length > CERTIFICATES_MAX || bytes > CHAIN_BYTES_MAX) {
		refuse("too_long", "The server sent too many certificates.");
	}
	const leaf = readCertificate(first);
	checkValidity(leaf, nowMs);
	const { keyUsage, forServers, subjectAltName } = leaf.extensions;
	// RFC 5246 §7.4.2, RFC 8422 §5.3: an ephemeral key exchange is signed.
	if (keyUsage && !keyUsage.sign) {
		refuse("key_usage", "The server's key may not sign.");
	}
	// RFC 5280 §4.2.1.12: absent, it restricts nothing.
	if (forServers === false) {
		refuse("extended_key_usage", "The certificate is not for a server.");
	}
	checkHost(subjectAltName, host);
	return leaf;
}

/** @throws CertificateError unless a path leads from the leaf to an anchor */
function climb(
	leaf: Certificate,
	others: Uint8Array[],
	options: ChainOptions,
): void {
	let current = leaf;
	// Self-issued ones do not count (RFC 5280 §6.1.4 l).
	let authorities = 0;
	for (;;) {
		const refusal = findAnchor(current, authorities, options);
		if (refusal === undefined) return;
		const { issuer } = current;
		const index = others.findIndex((bytes) =>
			equalBytes(readSubject(bytes), issuer),
		);
		const [found] = index < 0 ? [] : others.splice(index, 1);
		if (found === undefined) throw refusal;
		const authority = readCertificate(found);
		checkAuthority(authority, authorities, options.nowMs);
		checkSigned(current, authority, options.crypto);
		if (!equalBytes(authority.issuer, authority.subject)) authorities++;
		current = authority;
	}
}

/**
 * Several anchors may have one name, as when an authority has renewed its certificate.
 * @returns undefined when one has signed and may have; else why not
 */
function findAnchor(
	certificate: Certificate,
	authorities: number,
	{ anchors, nowMs, crypto }: ChainOptions,
): CertificateError | undefined {
	let refusal: CertificateError | undefined;
	for (const bytes of anchors) {
		try {
			if (!equalBytes(readSubject(bytes), certificate.issuer)) continue;
			const anchor = readCertificate(bytes);
			checkSigned(certificate, anchor, crypto);
			checkAuthority(anchor, authorities, nowMs);
			return undefined;
		} catch (error) {
			if (!(error instanceof CertificateError)) throw error;
			refusal = error;
		}
	}
	return (
		refusal ??
		new CertificateError(
			"unknown_authority",
			"The path does not lead to a pinned authority.",
		)
	);
}

/**
 * An anchor passes the same checks as any authority, though RFC 5280 §6.1.1 (d) takes but name and key from it: whoever
 * pinned the certificate is taken to mean its limits too (RFC 5937 §3).
 */
function checkAuthority(
	authority: Certificate,
	authorities: number,
	nowMs: number | undefined,
): void {
	checkValidity(authority, nowMs);
	const { extensions } = authority;
	const { isAuthority, pathLength, keyUsage, forServers } = extensions;
	// §6.1.4 k; one of version 1 or 2 cannot say that it is an authority.
	if (!isAuthority) refuse("not_a_ca", "An issuer is not an authority.");
	// §6.1.4 m
	if (pathLength !== undefined && authorities > pathLength) {
		refuse("path_too_long", "More authorities than an issuer allows.");
	}
	// §6.1.4 n
	if (keyUsage && !keyUsage.certify) {
		refuse("key_usage", "An issuer's key may not sign certificates.");
	}
	if (forServers === false) {
		refuse("extended_key_usage", "An issuer is not for servers.");
	}
	// §4.2.1.10: must be applied or the certificate be refused. No authority that a node is meant for has them.
	if (extensions.nameConstraints) {
		refuse("name_constraints", "An issuer is constrained to names.");
	}
}

/** Both ends belong to it (§4.1.2.5). */
function checkValidity(
	{ notBeforeMs, notAfterMs }: Certificate,
	nowMs: number | undefined,
): void {
	if (nowMs === undefined) refuse("time_unknown", "The clock is not set.");
	if (nowMs < notBeforeMs) {
		refuse("not_yet_valid", "A certificate is not valid yet.");
	}
	// The last second is valid to its end.
	if (nowMs >= notAfterMs + 1000) {
		refuse("expired", "A certificate is not valid any more.");
	}
}

function checkSigned(
	certificate: Certificate,
	issuer: Certificate,
	crypto: Crypto,
): void {
	const { signed, signature } = certificate;
	const algorithm = readSignatureAlgorithm(certificate.algorithm);
	if (!hasSigned(signed, algorithm, signature, issuer.key, crypto)) {
		refuse("bad_signature", "A signature is not the issuer's.");
	}
}
