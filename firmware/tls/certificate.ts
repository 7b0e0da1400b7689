/** Reads an X.509 certificate (RFC 5280 §4.1). Everything read is a view of the bytes given. */
import { readPublicKey } from "./algorithms.ts";
import type { PublicKey } from "./crypto.ts";
import {
	contextSequence,
	contextTag,
	type DerReader,
	equalBytes,
	readWhole,
	Tag,
} from "./der.ts";
import {
	type Extensions,
	NO_EXTENSIONS,
	readExtensions,
} from "./extensions.ts";
import { refuse } from "./reasons.ts";
import { readTime } from "./time.ts";

export interface Certificate {
	/** What is signed. */
	readonly signed: Uint8Array;
	/** An AlgorithmIdentifier. An anchor's says nothing about trust, so it is not judged here. */
	readonly algorithm: Uint8Array;
	readonly signature: Uint8Array;
	/**
	 * Names as their DER, tag and all, and compared as such: stricter than §7.1, which also takes for equal what differs in
	 * case and spaces. Authorities copy their name when they sign.
	 */
	readonly issuer: Uint8Array;
	readonly subject: Uint8Array;
	/** ms since the Unix epoch; valid from the first to the last, both included. */
	readonly notBeforeMs: number;
	readonly notAfterMs: number;
	readonly key: PublicKey;
	readonly extensions: Extensions;
}

/** @throws CertificateError "malformed", "weak_key" or "unknown_critical_extension" */
export function readCertificate(bytes: Uint8Array): Certificate {
	const outer = readWhole(bytes, Tag.SEQUENCE, "The certificate");
	const signed = outer.element(Tag.SEQUENCE, "The signed part");
	const outerAlgorithm = outer.element(Tag.SEQUENCE, "The signature algorithm");
	const signature = outer.wholeBits("The signature");
	outer.end("The certificate");

	const reader = readWhole(signed, Tag.SEQUENCE, "The signed part");
	const version = readVersion(reader);
	readSerial(reader);
	const innerAlgorithm = reader.element(
		Tag.SEQUENCE,
		"The signature algorithm",
	);
	// §4.1.1.2: the one outside is not signed.
	if (!equalBytes(innerAlgorithm, outerAlgorithm)) {
		refuse("malformed", "The two signature algorithms differ.");
	}
	const issuer = reader.element(Tag.SEQUENCE, "The issuer");
	// §4.1.2.4: not empty; so no authority without a name is ever found.
	if (issuer.length === 2) refuse("malformed", "The issuer has no name.");
	const validity = reader.enter(Tag.SEQUENCE, "The validity");
	const notBeforeMs = readTime(validity, "The start of validity");
	const notAfterMs = readTime(validity, "The end of validity");
	validity.end("The validity");
	const subject = reader.element(Tag.SEQUENCE, "The subject");
	const publicKey = reader.element(Tag.SEQUENCE, "The public key");
	if (version > 1) {
		reader.optional(contextTag(1), "The issuer's unique id");
		reader.optional(contextTag(2), "The subject's unique id");
	}
	const extensions = version === 3 ? readAllExtensions(reader) : NO_EXTENSIONS;
	reader.end("The signed part");
	return {
		signed,
		algorithm: outerAlgorithm,
		signature,
		issuer,
		subject,
		notBeforeMs,
		notAfterMs,
		key: readPublicKey(publicKey),
		extensions,
	};
}

/**
 * The subject's DER, to find out whether the rest is worth reading.
 * @throws CertificateError "malformed"
 */
export function readSubject(bytes: Uint8Array): Uint8Array {
	const outer = readWhole(bytes, Tag.SEQUENCE, "The certificate");
	const reader = outer.enter(Tag.SEQUENCE, "The signed part");
	readVersion(reader);
	readSerial(reader);
	reader.content(Tag.SEQUENCE, "The signature algorithm");
	reader.content(Tag.SEQUENCE, "The issuer");
	reader.content(Tag.SEQUENCE, "The validity");
	return reader.element(Tag.SEQUENCE, "The subject");
}

/** §4.1.2.1: DEFAULT v1, which DER therefore does not write. */
function readVersion(reader: DerReader): 1 | 2 | 3 {
	const explicit = reader.optional(contextSequence(0), "The version");
	if (explicit === undefined) return 1;
	// The content is INTEGER 1 or 2: v2 or v3.
	const [tag, length, value] = explicit;
	if (explicit.length === 3 && tag === Tag.INTEGER && length === 1) {
		if (value === 1) return 2;
		if (value === 2) return 3;
	}
	return refuse("malformed", "The version is not one of X.509.");
}

/** §4.1.2.2: at most 20 bytes; that some are negative or zero has to be borne. */
function readSerial(reader: DerReader): void {
	if (reader.integer("The serial number").length > 20) {
		refuse("malformed", "The serial number is too long.");
	}
}

function readAllExtensions(reader: DerReader): Extensions {
	if (reader.atEnd) return NO_EXTENSIONS;
	const holder = reader.enter(contextSequence(3), "The extensions");
	const list = holder.enter(Tag.SEQUENCE, "The list of extensions");
	holder.end("The extensions");
	return readExtensions(list);
}
