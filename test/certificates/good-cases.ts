/** Servers that are to be trusted. */
import type { Case } from "./case.ts";
import {
	type Bytes,
	generalizedTime,
	integer,
	join,
	raw,
	sequence,
	text,
	tlv,
} from "./der-writer.ts";
import { type Chain, HOST, type World } from "./world.ts";
import {
	Algorithms,
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

/** As AWS IoT answers: the root that people pin, signed by an older one, and that by one older still. */
function awsLike(world: World, pinned: "root" | "older root"): Chain {
	const { rsa, ec } = world;
	const eldest = world.other("Class 2", ec.root);
	const older = world.other("Services Root G2", world.stranger);
	const root = world.other("Root CA 1", rsa.root);
	const middle = world.other("RSA 2048 M01", rsa.intermediate);
	return {
		...world.chain(),
		key: rsa.leaf.privateKey,
		certificates: [
			world.server(middle, {}, rsa.leaf),
			world.authority(root, middle, {
				extensions: [
					basicConstraints(true, 0),
					keyUsage(Usage.CERTIFY),
					extendedKeyUsage(Purpose.SERVER, Purpose.CLIENT),
				],
			}),
			world.authority(older, root),
			world.authority(eldest, older),
		],
		anchors: [
			pinned === "root"
				? world.authority(root, root)
				: world.authority(older, older),
		],
	};
}

/** Server, two intermediates and the root, the intermediates in this order. */
function twoIntermediates(world: World, order: readonly [0 | 1, 0 | 1]) {
	const upper = world.other("Upper", world.stranger);
	const intermediates = [
		world.authority(upper, world.intermediate, {
			extensions: [basicConstraints(true, 0)],
		}),
		world.authority(world.root, upper, {
			extensions: [basicConstraints(true, 1)],
		}),
	] as const;
	return {
		...world.chain(),
		certificates: [
			world.server(world.intermediate),
			intermediates[order[0]],
			intermediates[order[1]],
		],
	};
}

export const GOOD_CASES: readonly Case[] = [
	{
		name: "an EC server under an EC intermediate",
		expect: "trusted",
		make: (world) => world.chain(),
	},
	{
		name: "an RSA server under an RSA intermediate",
		expect: "trusted",
		make: (world) => world.rsaChain(),
	},
	{
		name: "an RSA server, RSA signatures with SHA-384 and SHA-512",
		expect: "trusted",
		make: (world) => {
			const { RSA_SHA384, RSA_SHA512 } = Algorithms;
			return world.rsaChain(
				{ inner: RSA_SHA384.identifier, hash: "sha384" },
				{ inner: RSA_SHA512.identifier, hash: "sha512" },
			);
		},
	},
	{
		name: "an RSA server under an EC authority",
		expect: "trusted",
		make: (world) => ({
			...world.chain(),
			key: world.rsa.leaf.privateKey,
			certificates: [world.server(world.root, {}, world.rsa.leaf)],
		}),
	},
	{
		name: "a server right under the pinned authority",
		expect: "trusted",
		make: (world) => ({
			...world.chain(),
			certificates: [world.server(world.root)],
		}),
	},
	{
		name: "two intermediates, as many as their path lengths allow",
		expect: "trusted",
		make: (world) => twoIntermediates(world, [0, 1]),
	},
	{
		name: "intermediates in the wrong order",
		expect: "trusted",
		make: (world) => twoIntermediates(world, [1, 0]),
	},
	{
		name: "links beyond the pinned authority, as AWS appends them",
		expect: "trusted",
		make: (world) => awsLike(world, "root"),
	},
	{
		name: "the same with the older root pinned",
		expect: "trusted",
		make: (world) => awsLike(world, "older root"),
	},
	{
		name: "the pinned authority sent along",
		expect: "trusted",
		make: (world) => {
			const chain = world.chain();
			return {
				...chain,
				certificates: [...chain.certificates, ...chain.anchors],
			};
		},
	},
	{
		name: "a foreign certificate between",
		expect: "trusted",
		make: (world) => {
			const chain = world.chain();
			const foreign = world.other("Foreign", world.stranger);
			const [leaf = raw(), ...rest] = chain.certificates;
			return {
				...chain,
				certificates: [leaf, world.authority(foreign, foreign), ...rest],
			};
		},
	},
	{
		name: "bytes beyond the path that are no certificate",
		expect: "trusted",
		make: (world) => {
			const chain = world.chain();
			return { ...chain, certificates: [...chain.certificates, raw(1, 2, 3)] };
		},
	},
	{
		name: "eight certificates",
		expect: "trusted",
		make: (world) => {
			const chain = world.chain();
			const more = new Array<Bytes>(6).fill(chain.anchors[0] ?? raw());
			return { ...chain, certificates: [...chain.certificates, ...more] };
		},
	},
	{
		name: "a serial number of 20 bytes, and unique identifiers",
		expect: "trusted",
		make: (world) =>
			world.chain({
				leaf: {
					serial: integer(new Uint8Array(20).fill(1)),
					publicKey: join(
						world.ec.leaf.publicKey,
						tlv(0x81, raw(0, 1)),
						tlv(0x82, raw(0, 2)),
					),
				},
			}),
	},
	{
		name: "two pinned authorities of one name, the first expired",
		expect: "trusted",
		make: (world) => {
			const { past, yesterday } = world.times;
			const expired = world.authority(world.root, world.root, {
				validity: validity(past, yesterday),
			});
			const chain = world.chain();
			return { ...chain, anchors: [expired, ...chain.anchors] };
		},
	},
	{
		name: "two pinned authorities of one name, the first with another key",
		expect: "trusted",
		make: (world) => {
			const namesake = world.other("Root", world.stranger);
			const chain = world.chain();
			return {
				...chain,
				anchors: [world.authority(namesake, namesake), ...chain.anchors],
			};
		},
		nodeDiffers:
			"without key identifiers OpenSSL takes the first pinned one of that name",
	},
	{
		name: "a pinned authority that signed itself with SHA-1",
		expect: "trusted",
		make: (world) => {
			const root = world.other("Old", world.rsa.root);
			const { identifier, hash } = Algorithms.RSA_SHA1;
			return {
				...world.chain(),
				certificates: [world.server(root)],
				anchors: [world.authority(root, root, { inner: identifier, hash })],
			};
		},
	},
	{
		name: "a key usage with zeros after its last bit, as some authorities write it",
		expect: "trusted",
		make: (world) =>
			world.chain({
				intermediate: {
					extensions: [basicConstraints(true), keyUsage(raw(3, 2, 0, 6))],
				},
			}),
	},
	{
		name: "a self-issued intermediate, which counts for no path length",
		expect: "trusted",
		make: (world) => {
			const renewed = world.other("Root", world.stranger);
			return {
				...world.chain({
					root: { extensions: [basicConstraints(true, 1)] },
				}),
				certificates: [
					world.server(world.intermediate),
					world.authority(renewed, world.intermediate),
					world.authority(world.root, renewed),
				],
			};
		},
		nodeDiffers:
			"without key identifiers OpenSSL takes the first pinned one of that name",
	},
	{
		name: "no extensions but the name",
		expect: "trusted",
		make: (world) => world.named([dns(HOST)], HOST),
	},
	{
		name: "basicConstraints that are not critical",
		expect: "trusted",
		make: (world) =>
			world.chain({
				intermediate: { extensions: [basicConstraints(true, 0, false)] },
			}),
	},
	{
		name: "an unknown extension that is not critical",
		expect: "trusted",
		make: (world) =>
			world.chain({
				leaf: {
					extensions: [
						extension("1.2.3.4", sequence()),
						subjectAltName(dns(HOST)),
					],
				},
			}),
	},
	{
		name: "a server without a subject",
		expect: "trusted",
		make: (world) =>
			world.chain({
				leaf: {
					subject: commonName(""),
					extensions: [extension("2.5.29.17", sequence(dns(HOST)), true)],
				},
			}),
	},
	{
		name: "times with four digits of year",
		expect: "trusted",
		make: (world) =>
			world.chain({
				leaf: {
					validity: sequence(
						generalizedTime(world.times.past),
						generalizedTime(Date.UTC(9999, 11, 31, 23, 59, 59)),
					),
				},
			}),
	},
	{
		name: "the first second of validity",
		expect: "trusted",
		make: (world) =>
			world.chain({
				leaf: { validity: validity(world.nowMs, world.times.tomorrow) },
			}),
	},
	{
		name: "the last second of validity, to its end",
		expect: "trusted",
		make: (world) => world.chain({ nowMs: world.times.tomorrow + 999 }),
	},
	{
		name: "a wildcard",
		expect: "trusted",
		make: (world) => world.named([dns("*.example.com")], HOST),
	},
	{
		name: "a name in other case, asked for with a dot at its end",
		expect: "trusted",
		make: (world) =>
			world.named([dns("BROKER.Example.com")], "broker.EXAMPLE.com."),
	},
	{
		name: "the name among others of every kind",
		expect: "trusted",
		make: (world) =>
			world.named(
				[
					dns("a.example.com"),
					tlv(0x81, text("someone@example.com")),
					tlv(0xa4, commonName("someone")),
					ip(10, 0, 0, 1),
					dns(HOST),
				],
				HOST,
			),
	},
	{
		name: "an IPv4 address",
		expect: "trusted",
		make: (world) => world.named([ip(127, 0, 0, 1)], "127.0.0.1"),
	},
	{
		name: "an IPv6 address",
		expect: "trusted",
		make: (world) =>
			world.named(
				[tlv(0x87, join(raw(0xfd), new Uint8Array(14), raw(1)))],
				"FD00::1",
			),
	},
];
