/** IP addresses as text, the ways people write them: RFC 4291 §2.2 and four decimal numbers. */

import { consistsOf, isDigit } from "./characters.ts";

/** Without leading zeros. */
function isDecimal(text: string): boolean {
	return consistsOf(
		text,
		1,
		3,
		(code, index) =>
			isDigit(code) && (code !== 48 || index > 0 || text === "0"),
	);
}

function isHexadecimal(text: string): boolean {
	return consistsOf(
		text.toLowerCase(),
		1,
		4,
		(code) => isDigit(code) || (code >= 97 && code <= 102),
	);
}

/** @returns 4 or 16 bytes; undefined for what is no address (an IPv6 zone makes it none: no certificate has one) */
export function parseAddress(text: string): Uint8Array | undefined {
	const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
	return bytes && Uint8Array.from(bytes);
}

function parseIpv4(text: string): number[] | undefined {
	const parts = text.split(".");
	const bytes = parts.map(Number);
	const isAddress =
		parts.length === 4 &&
		parts.every((part) => isDecimal(part)) &&
		bytes.every((byte) => byte < 256);
	return isAddress ? bytes : undefined;
}

function parseIpv6(text: string): number[] | undefined {
	const [head = "", tail, ...more] = text.split("::");
	if (more.length > 0) return;
	const front = parseGroups(head, tail === undefined);
	if (tail === undefined) return front?.length === 16 ? front : undefined;
	const back = parseGroups(tail, true);
	// "::" stands for at least one group.
	if (front === undefined || back === undefined) return;
	const missing = 16 - front.length - back.length;
	if (missing < 2) return;
	return [...front, ...new Array<number>(missing).fill(0), ...back];
}

/** Groups between colons; the address's last may be an IPv4 address. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
	if (text === "") return [];
	const bytes: number[] = [];
	const groups = text.split(":");
	for (const [index, group] of groups.entries()) {
		if (isHexadecimal(group)) {
			const value = Number.parseInt(group, 16);
			bytes.push(value >> 8, value & 0xff);
			continue;
		}
		const isLast = isEnd && index === groups.length - 1;
		const ipv4 = isLast ? parseIpv4(group) : undefined;
		if (ipv4 === undefined) return;
		bytes.push(...ipv4);
	}
	return bytes;
}
