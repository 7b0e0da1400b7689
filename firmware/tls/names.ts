/**
 * Whether a certificate speaks for a host: RFC 9525 (which replaces RFC 6125) on RFC 5280 §4.2.1.6. Only subjectAltName
 * counts, never the subject's common name.
 */
import { parseAddress } from "./address.ts";
import { consistsOf, isDigit } from "./characters.ts";
import { contextTag, equalBytes, readWhole, Tag } from "./der.ts";
import { refuse } from "./reasons.ts";

const DNS_NAME = contextTag(2);
const IP_ADDRESS = contextTag(7);

/** RFC 1035 §2.3.4 */
const NAME_LENGTH_MAX = 253;
const LABEL_LENGTH_MAX = 63;

/**
 * @param subjectAltName GeneralNames in DER; undefined when the certificate has none
 * @param host a DNS name, in A-labels, or an address
 * @throws CertificateError "name_mismatch" or "malformed"
 */
export function checkHost(
	subjectAltName: Uint8Array | undefined,
	host: string,
): void {
	const address = parseAddress(host);
	const name = address === undefined ? parseName(host) : undefined;
	if (address === undefined && name === undefined) {
		refuse("name_mismatch", "The host is neither a name nor an address.");
	}
	if (subjectAltName === undefined) {
		refuse("name_mismatch", "The certificate names no host.");
	}
	const names = readWhole(subjectAltName, Tag.SEQUENCE, "subjectAltName");
	let found = false;
	do {
		const { tag } = names;
		const value = names.any("A name of subjectAltName");
		if (tag === DNS_NAME && name !== undefined) {
			found = found || speaksFor(value, name);
		}
		if (tag === IP_ADDRESS && address !== undefined) {
			found = found || equalBytes(value, address);
		}
	} while (!names.atEnd);
	if (!found) refuse("name_mismatch", `The certificate is not for ${host}.`);
}

/** A name's labels, in lower case; undefined for what is no name of a host. One dot may end it: it is absolute anyway. */
function parseName(host: string): string[] | undefined {
	const name = host.toLowerCase();
	const labels = (name.endsWith(".") ? name.slice(0, -1) : name).split(".");
	const isName =
		name.length <= NAME_LENGTH_MAX + 1 &&
		labels.every(isLabel) &&
		// What ends in a number is meant as an address (RFC 3696 §2), and is none.
		!consistsOf(labels.at(-1) ?? "", 1, LABEL_LENGTH_MAX, isDigit);
	return isName ? labels : undefined;
}

/** Letters, digits, hyphens, and the underscore that real names have. */
function isLabel(label: string): boolean {
	return consistsOf(
		label,
		1,
		LABEL_LENGTH_MAX,
		(code) =>
			isDigit(code) ||
			(code >= 97 && code <= 122) ||
			code === 45 ||
			code === 95,
	);
}

/**
 * RFC 9525 §6.3: labels are equal but for case; `*` as the whole left-most label stands for exactly one. Before fewer than
 * two labels it stands for nothing: `*.com` is nobody's.
 */
function speaksFor(dnsName: Uint8Array, labels: readonly string[]): boolean {
	if (dnsName.length > NAME_LENGTH_MAX) return false;
	const presented = String.fromCharCode(...dnsName)
		.toLowerCase()
		.split(".");
	if (presented.length !== labels.length) return false;
	return presented.every((label, index) =>
		label === "*" ? index === 0 && labels.length > 2 : label === labels[index],
	);
}
