/** The two forms of time in a certificate (RFC 5280 §4.1.2.5): UTC, to the second, ending in Z. */
import { type DerReader, Tag } from "./der.ts";
import { refuse } from "./reasons.ts";

/** @returns ms since the Unix epoch. @throws CertificateError "malformed" */
export function readTime(reader: DerReader, what: string): number {
	const utc = reader.tag === Tag.UTC_TIME;
	const digits = reader.content(
		utc ? Tag.UTC_TIME : Tag.GENERALIZED_TIME,
		what,
	);
	const yearDigits = utc ? 2 : 4;
	if (digits.length !== yearDigits + 11 || digits.at(-1) !== 0x5a) {
		refuse("malformed", `${what} is not UTC to the second.`);
	}
	const number = (from: number, count: number): number => {
		let value = 0;
		for (const byte of digits.subarray(from, from + count)) {
			if (byte < 0x30 || byte > 0x39) {
				refuse("malformed", `${what} has something else than digits.`);
			}
			value = value * 10 + byte - 0x30;
		}
		return value;
	};
	let year = number(0, yearDigits);
	// §4.1.2.5.1
	if (utc) year += year >= 50 ? 1900 : 2000;
	const field = (index: number) => number(yearDigits + 2 * index, 2);
	const time = new Date(
		Date.UTC(2000, field(0) - 1, field(1), field(2), field(3), field(4)),
	);
	// Date.UTC takes years below 100 for the 20th century's, and carries what is too large: set the year, then compare.
	time.setUTCFullYear(year, field(0) - 1, field(1));
	const same =
		time.getUTCFullYear() === year &&
		time.getUTCMonth() === field(0) - 1 &&
		time.getUTCDate() === field(1) &&
		time.getUTCHours() === field(2) &&
		time.getUTCMinutes() === field(3) &&
		time.getUTCSeconds() === field(4);
	if (!same) refuse("malformed", `${what} is no time of the calendar.`);
	return time.getTime();
}
