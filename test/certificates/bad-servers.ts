/** Servers whose own certificate is for something, somebody or some time else. */
import type { Case } from "./case.ts";
import { raw, text, tlv } from "./der-writer.ts";
import { HOST, type World } from "./world.ts";
import {
	basicConstraints,
	commonName,
	dns,
	extendedKeyUsage,
	extension,
	ip,
	keyUsage,
	Purpose,
	subjectAltName,
	Usage,
	validity,
} from "./writer.ts";

const COMMON_NAME = "it falls back to the common name";

/** A server of these names, asked for by this one. */
const misnamed = (
	name: string,
	names: readonly Uint8Array[],
	host: string,
	nodeDiffers?: string,
): Case => ({
	name,
	expect: "name_mismatch",
	make: (world) => world.named(names, host),
	...(nodeDiffers === undefined ? {} : { nodeDiffers }),
});

/** A server with this beside its name. */
const withExtension = (world: World, added: Uint8Array) =>
	world.chain({
		leaf: { extensions: [subjectAltName(dns(HOST)), added] },
	});

export const BAD_SERVERS: readonly Case[] = [
	{
		name: "a server that has expired",
		expect: "expired",
		make: (world) =>
			world.chain({
				leaf: { validity: validity(world.times.past, world.times.yesterday) },
			}),
	},
	{
		name: "a server that has expired a second ago",
		expect: "expired",
		make: (world) =>
			world.chain({
				leaf: { validity: validity(world.times.past, world.nowMs - 1000) },
			}),
	},
	{
		name: "a server that is not valid yet",
		expect: "not_yet_valid",
		make: (world) =>
			world.chain({
				leaf: { validity: validity(world.times.tomorrow, world.times.future) },
			}),
	},
	{
		name: "a clock that is not set",
		expect: "time_unknown",
		make: (world) => world.chain({ nowMs: undefined }),
		nodeDiffers: "its clock is set",
	},
	{
		name: "a clock at 1970",
		expect: "not_yet_valid",
		make: (world) => world.chain({ nowMs: 0 }),
		nodeDiffers: "its clock is set",
	},
	{
		name: "a key that may encipher and not sign",
		expect: "key_usage",
		make: (world) => withExtension(world, keyUsage(Usage.ENCIPHER)),
	},
	{
		name: "a key that may decipher and not sign, which is the ninth bit",
		expect: "key_usage",
		make: (world) =>
			withExtension(world, keyUsage(raw(0x03, 0x03, 0x07, 0x00, 0x80))),
	},
	{
		name: "a certificate for clients, as the same authority gives to devices",
		expect: "extended_key_usage",
		make: (world) => withExtension(world, extendedKeyUsage(Purpose.CLIENT)),
	},
	{
		name: "a certificate for any purpose",
		expect: "extended_key_usage",
		make: (world) => withExtension(world, extendedKeyUsage(Purpose.ANY)),
	},
	{
		name: "an unknown critical extension",
		expect: "unknown_critical_extension",
		make: (world) =>
			withExtension(world, extension("1.2.3.4", raw(5, 0), true)),
	},
	misnamed("another name", [dns("other.example.com")], HOST),
	{
		name: "the name as common name only",
		expect: "name_mismatch",
		make: (world) =>
			world.chain({
				leaf: {
					subject: commonName(HOST),
					extensions: [basicConstraints(false)],
				},
			}),
		nodeDiffers: COMMON_NAME,
	},
	{
		name: "the name as common name beside another",
		expect: "name_mismatch",
		make: (world) =>
			world.chain({
				leaf: {
					subject: commonName(HOST),
					extensions: [subjectAltName(dns("other.example.com"))],
				},
			}),
	},
	misnamed("a name above", [dns("example.com")], HOST),
	misnamed("a name below", [dns(`a.${HOST}`)], HOST),
	misnamed("the name and more", [dns(`${HOST}.evil.test`)], HOST),
	misnamed("the name, a NUL and more", [dns(`${HOST}\0.evil.test`)], HOST),
	misnamed("an empty name", [dns("")], HOST),
	misnamed(
		"a wildcard for the domain itself",
		[dns("*.example.com")],
		"example.com",
	),
	misnamed(
		"a wildcard for two labels",
		[dns("*.example.com")],
		"a.b.example.com",
	),
	misnamed(
		"a wildcard for part of a label",
		[dns("brok*.example.com")],
		HOST,
		"it takes such wildcards",
	),
	misnamed("a wildcard that is not left-most", [dns("broker.*.com")], HOST),
	misnamed("two wildcards", [dns("*.*.com")], HOST),
	misnamed(
		"a wildcard for a whole top-level domain",
		[dns("*.test")],
		"broker.test",
	),
	misnamed("a wildcard for everything", [dns("*")], "localhost"),
	misnamed(
		"the name as an e-mail address's kind",
		[tlv(0x81, text(HOST))],
		HOST,
		COMMON_NAME,
	),
	misnamed(
		"the name as a URI",
		[tlv(0x86, text(`https://${HOST}/`))],
		HOST,
		COMMON_NAME,
	),
	misnamed("another IPv4 address", [ip(127, 0, 0, 2)], "127.0.0.1"),
	misnamed("an IPv4 address as a name", [dns("127.0.0.1")], "127.0.0.1"),
	misnamed("a wildcard for an IPv4 address", [dns("*.0.0.1")], "127.0.0.1"),
	misnamed(
		"an address with a mask, as constraints have it",
		[ip(127, 0, 0, 1, 255, 255, 255, 255)],
		"127.0.0.1",
	),
	misnamed(
		"another IPv6 address",
		[ip(...new Array<number>(15).fill(0), 2)],
		"::1",
	),
	misnamed(
		"an IPv4 address for the IPv6 address that contains it",
		[ip(127, 0, 0, 1)],
		"::ffff:127.0.0.1",
	),
	misnamed("a host that is no name", [dns("a..example.com")], "a..example.com"),
	misnamed(
		"a host that ends in a number",
		[dns("127.1")],
		"127.1",
		"it takes the host for a name",
	),
	misnamed("no host", [dns("")], ""),
];
