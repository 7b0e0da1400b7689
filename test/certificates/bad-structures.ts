/** Certificates that are not what RFC 5280 describes. */
import type { Case } from "./case.ts";
import {
	type Bytes,
	integer,
	join,
	octets,
	oid,
	raw,
	sequence,
	text,
	tlv,
	utcTime,
} from "./der-writer.ts";
import { HOST, type World } from "./world.ts";
import {
	Algorithms,
	basicConstraints,
	type Changes,
	commonName,
	dns,
	extendedKeyUsage,
	extension,
	keyUsage,
	replace,
	subjectAltName,
} from "./writer.ts";

const malformed = (
	name: string,
	leaf: Changes | ((world: World) => Changes),
	nodeDiffers?: string,
): Case => ({
	name,
	expect: "malformed",
	make: (world) =>
		world.chain({ leaf: typeof leaf === "function" ? leaf(world) : leaf }),
	...(nodeDiffers === undefined ? {} : { nodeDiffers }),
});

/** The sound server's bytes, changed. */
const mangled = (name: string, change: (leaf: Bytes) => Bytes): Case => ({
	name,
	expect: "malformed",
	make: (world) => {
		const chain = world.chain();
		const [leaf = raw(), ...rest] = chain.certificates;
		return { ...chain, certificates: [change(leaf), ...rest] };
	},
});

const NAME = subjectAltName(dns(HOST));
const withExtensions = (...added: readonly Bytes[]): Changes => ({
	extensions: [NAME, ...added],
});

const until = (time: Bytes) => (world: World) => ({
	validity: sequence(utcTime(world.times.past), time),
});

const LENIENT = "it bears with such writers";
const COMMON_NAME = "it falls back to the common name";

export const BAD_STRUCTURES: readonly Case[] = [
	mangled("nothing", () => raw()),
	mangled("a byte too few", (leaf) => leaf.subarray(0, -1)),
	mangled("a byte too many", (leaf) => join(leaf, raw(0))),
	mangled("an indefinite length", (leaf) =>
		join(raw(0x30, 0x80), leaf.subarray(4), raw(0, 0)),
	),
	mangled("a length that is not the shortest", (leaf) =>
		join(raw(0x30, 0x83, 0), leaf.subarray(2)),
	),
	mangled("a length of four bytes", (leaf) =>
		join(raw(0x30, 0x84, 0, 0), leaf.subarray(2)),
	),
	mangled("a set in place of a sequence", (leaf) =>
		join(raw(0x31), leaf.subarray(1)),
	),
	mangled("a tag of two bytes", (leaf) =>
		join(raw(0x3f, 0x10), leaf.subarray(1)),
	),
	malformed("two signature algorithms that differ", {
		outer: Algorithms.RSA_SHA256.identifier,
		inner: Algorithms.ECDSA_SHA256.identifier,
	}),
	malformed("version 4", { version: 4 }, LENIENT),
	malformed("a version of another type", {
		tamper: (signed) => replace(signed, raw(2, 1, 2), raw(10, 1, 2)),
	}),
	malformed("a version of two bytes", {
		tamper: (signed) =>
			sequence(
				replace(signed.subarray(4), raw(0xa0, 3, 2, 1), raw(0xa0, 4, 2, 2, 0)),
			),
	}),
	malformed("a unique identifier in version 1", {
		version: 1,
		extensions: undefined,
		tamper: (signed) => sequence(signed.subarray(3), tlv(0x81, raw(0, 1))),
	}),
	malformed("version 1 written out", {
		version: 0,
		extensions: undefined,
		tamper: (signed) => replace(signed, raw(2, 1, 0xff), raw(2, 1, 0)),
	}),
	malformed("extensions in version 1", { version: 1 }, LENIENT),
	malformed("extensions in version 2", { version: 2 }, LENIENT),
	malformed("an empty list of extensions", { extensions: [] }, COMMON_NAME),
	malformed("the same extension twice", withExtensions(NAME)),
	malformed(
		"an extension that is critical: FALSE written out",
		withExtensions(sequence(oid("1.2.3.4"), raw(1, 1, 0), octets(raw(5, 0)))),
		LENIENT,
	),
	malformed(
		"an extension that is critical: 1",
		withExtensions(sequence(oid("1.2.3.4"), raw(1, 1, 1), octets(raw(5, 0)))),
	),
	malformed(
		"something after an extension's value",
		withExtensions(sequence(oid("1.2.3.4"), octets(raw(5, 0)), raw(5, 0))),
	),
	malformed(
		"a path length without an authority",
		withExtensions(basicConstraints(false, 0)),
		LENIENT,
	),
	malformed(
		"a negative path length",
		withExtensions(
			extension("2.5.29.19", sequence(raw(1, 1, 0xff), raw(2, 1, 0xff))),
		),
	),
	malformed("no key usage", withExtensions(keyUsage(raw(3, 1, 0)))),
	malformed("a key usage of zeros", withExtensions(keyUsage(raw(3, 2, 0, 0)))),
	malformed(
		"a key usage of zeros in two bytes",
		withExtensions(keyUsage(raw(3, 3, 7, 0, 0))),
	),
	malformed(
		"key usage with an unused bit set",
		withExtensions(keyUsage(raw(3, 2, 7, 0x81))),
		LENIENT,
	),
	malformed("no purpose", withExtensions(extendedKeyUsage())),
	malformed("no names", { extensions: [subjectAltName()] }, COMMON_NAME),
	malformed("a name longer than the names", {
		extensions: [extension("2.5.29.17", sequence(raw(0x82, 20, 0x61)))],
	}),
	malformed(
		"a serial number of 21 bytes",
		{ serial: integer(new Uint8Array(21).fill(1)) },
		LENIENT,
	),
	malformed("a serial number with a needless zero", {
		serial: raw(2, 2, 0, 1),
	}),
	malformed("an issuer without a name", { issuer: commonName("") }),
	malformed("a time without seconds", until(tlv(0x17, text("4912312359Z")))),
	malformed(
		"a time with an offset",
		until(tlv(0x17, text("491231235959+0100"))),
	),
	malformed(
		"a time with fractions",
		until(tlv(0x18, text("20491231235959.5Z"))),
	),
	malformed("30 February", until(tlv(0x17, text("490230000000Z")))),
	malformed("hour 24", until(tlv(0x17, text("491231240000Z")))),
	malformed(
		"a time that is no number",
		until(tlv(0x17, text("4912312359-1Z"))),
	),
];
