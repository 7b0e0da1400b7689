/** The extensions of a certificate that say what it may be used for (RFC 5280 §4.2). */
import { DerReader, hex, readWhole, Tag } from "./der.ts";
import { refuse } from "./reasons.ts";

export interface Extensions {
	/** False when the extension is absent, too. */
	readonly isAuthority: boolean;
	/** How many authorities may stand between this one and the leaf. */
	readonly pathLength?: number;
	/** Undefined: the key may be used for anything. */
	readonly keyUsage?: { readonly sign: boolean; readonly certify: boolean };
	/** "Any" is no statement about servers: OpenSSL reads it so, too. Undefined: nothing is said. */
	readonly forServers?: boolean;
	readonly nameConstraints: boolean;
	/** GeneralNames, not looked into. */
	readonly subjectAltName?: Uint8Array;
}

export const NO_EXTENSIONS: Extensions = {
	isAuthority: false,
	nameConstraints: false,
};

const BASIC_CONSTRAINTS = "551d13";
const KEY_USAGE = "551d0f";
const EXTENDED_KEY_USAGE = "551d25";
const NAME_CONSTRAINTS = "551d1e";
const SUBJECT_ALT_NAME = "551d11";
const SERVER_AUTH = "2b06010505070301";

/** §4.2.1.3: bits 0 and 5, counted from the most significant. */
const DIGITAL_SIGNATURE = 0x80;
const KEY_CERT_SIGN = 0x04;

/** Real ones have about ten. */
const EXTENSIONS_MAX = 32;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * @param list of the sequence of extensions
 * @throws CertificateError "malformed", or "unknown_critical_extension"
 */
export function readExtensions(list: DerReader): Extensions {
	const found: Writable<Extensions> = { ...NO_EXTENSIONS };
	const seen: string[] = [];
	// §4.1: SIZE (1..MAX)
	do {
		const extension = list.enter(Tag.SEQUENCE, "An extension");
		const oid = hex(extension.content(Tag.OID, "An extension's name"));
		const critical = extension.flag("An extension's mark of being critical");
		const value = extension.content(Tag.OCTET_STRING, "An extension's value");
		extension.end("An extension");
		// §4.2: no two of the same.
		if (seen.includes(oid) || seen.length === EXTENSIONS_MAX) {
			refuse("malformed", `Extension ${oid} is there twice or one too many.`);
		}
		seen.push(oid);
		if (!readExtension(found, oid, value) && critical) {
			refuse(
				"unknown_critical_extension",
				`Critical extension ${oid} is not known here.`,
			);
		}
	} while (!list.atEnd);
	return found;
}

/** @returns whether the extension is known here */
function readExtension(
	found: Writable<Extensions>,
	oid: string,
	value: Uint8Array,
): boolean {
	switch (oid) {
		case BASIC_CONSTRAINTS:
			readBasicConstraints(found, value);
			return true;
		case KEY_USAGE:
			found.keyUsage = readKeyUsage(value);
			return true;
		case EXTENDED_KEY_USAGE:
			found.forServers = readExtendedKeyUsage(value);
			return true;
		case NAME_CONSTRAINTS:
			found.nameConstraints = true;
			return true;
		case SUBJECT_ALT_NAME:
			found.subjectAltName = value;
			return true;
	}
	return false;
}

/** §4.2.1.9 */
function readBasicConstraints(
	found: Writable<Extensions>,
	value: Uint8Array,
): void {
	const what = "basicConstraints";
	const reader = readWhole(value, Tag.SEQUENCE, what);
	found.isAuthority = reader.flag(what);
	if (!reader.atEnd) {
		if (!found.isAuthority) {
			refuse("malformed", "There is a path length without an authority.");
		}
		found.pathLength = reader.smallInteger(what);
	}
	reader.end(what);
}

/** §4.2.1.3 */
function readKeyUsage(value: Uint8Array) {
	const what = "keyUsage";
	const reader = new DerReader(value);
	const bits = reader.content(Tag.BIT_STRING, what);
	reader.end(what);
	const [unused = 8, first = 0] = bits;
	const last = bits.at(-1) ?? 0;
	// X.690 §11.2.1: unused bits are zero. That such a list ends in a one (§11.2.2) is not asked: there are public authorities
	// that write zeros after it. RFC 5280 §4.2.1.3: at least one is set, of nine.
	const tidy =
		bits.length >= 2 &&
		bits.length <= 3 &&
		unused <= 7 &&
		(last & ((1 << unused) - 1)) === 0 &&
		(first !== 0 || (bits.length > 2 && last !== 0));
	if (!tidy) refuse("malformed", "keyUsage is not a list of bits in DER.");
	return {
		sign: (first & DIGITAL_SIGNATURE) !== 0,
		certify: (first & KEY_CERT_SIGN) !== 0,
	};
}

/** §4.2.1.12 */
function readExtendedKeyUsage(value: Uint8Array): boolean {
	const what = "extKeyUsage";
	const reader = readWhole(value, Tag.SEQUENCE, what);
	let forServers = false;
	do {
		const oid = hex(reader.content(Tag.OID, what));
		forServers = forServers || oid === SERVER_AUTH;
	} while (!reader.atEnd);
	return forServers;
}
