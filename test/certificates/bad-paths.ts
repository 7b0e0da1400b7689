/** Servers whose path to a pinned authority is broken. */
import type { Case } from "./case.ts";
import { type Bytes, raw, sequence, text, tlv } from "./der-writer.ts";
import type { Chain, World } from "./world.ts";
import {
	basicConstraints,
	extendedKeyUsage,
	extension,
	keyUsage,
	Purpose,
	Usage,
	validity,
} from "./writer.ts";

/** Permits example.com, which the server is in. */
const NAME_CONSTRAINTS = sequence(
	tlv(0xa0, sequence(tlv(0x82, text("example.com")))),
);

/** The sound chain, but these certificates. */
const sends = (
	world: World,
	certificates: (chain: Chain) => readonly Bytes[],
): Chain => {
	const chain = world.chain();
	return { ...chain, certificates: certificates(chain) };
};

/** A self-signed server that says this of who issued it, and the genuine authority after it. */
function selfSigned(world: World, name: string): Chain {
	const liar = world.other(name, world.ec.leaf);
	const chain = world.chain();
	return {
		...chain,
		certificates: [world.server(liar), ...chain.anchors],
	};
}

/** One more authority between, with or without limits to that. */
function oneTooMany(
	world: World,
	limits: { readonly root?: number; readonly upper?: number },
): Chain {
	const upper = world.other("Upper", world.stranger);
	const limit = (pathLength: number | undefined) => ({
		extensions: [basicConstraints(true, pathLength)],
	});
	return {
		...world.chain({ root: limit(limits.root) }),
		certificates: [
			world.server(world.intermediate),
			world.authority(upper, world.intermediate),
			world.authority(world.root, upper, limit(limits.upper)),
		],
	};
}

export const BAD_PATHS: readonly Case[] = [
	{
		name: "a self-signed server followed by the genuine authority",
		expect: "unknown_authority",
		make: (world) => selfSigned(world, "broker.example.com"),
	},
	{
		name: "a self-signed server that names the genuine authority, which follows",
		expect: "bad_signature",
		make: (world) => selfSigned(world, "Root"),
	},
	{
		name: "a server issued by another server's certificate (CA:FALSE)",
		expect: "not_a_ca",
		make: (world) =>
			world.chain({
				intermediate: {
					extensions: [basicConstraints(false), keyUsage(Usage.SIGN)],
				},
			}),
	},
	{
		name: "an issuer without basicConstraints",
		expect: "not_a_ca",
		make: (world) =>
			world.chain({ intermediate: { extensions: [keyUsage(Usage.CERTIFY)] } }),
	},
	{
		name: "an issuer of version 1",
		expect: "not_a_ca",
		make: (world) =>
			world.chain({ intermediate: { version: 1, extensions: undefined } }),
	},
	{
		name: "a pinned authority of version 1",
		expect: "not_a_ca",
		make: (world) =>
			world.chain({ root: { version: 1, extensions: undefined } }),
		nodeDiffers: "OpenSSL takes a self-signed certificate of version 1 for one",
	},
	{
		name: "a pinned certificate that is the server's own",
		expect: "not_a_ca",
		make: (world) => {
			const self = world.other("Self", world.ec.leaf);
			const own = world.server(self, { subject: self.name });
			return { ...world.chain(), certificates: [own], anchors: [own] };
		},
		nodeDiffers: "OpenSSL trusts a pinned certificate as a server's, too",
	},
	{
		name: "no certificate",
		expect: "empty",
		make: (world) => sends(world, () => []),
	},
	{
		name: "nine certificates",
		expect: "too_long",
		make: (world) =>
			sends(world, ({ certificates: [leaf = raw(), issuer = raw()] }) => [
				leaf,
				...new Array<Bytes>(8).fill(issuer),
			]),
		nodeDiffers: "it has a larger limit",
	},
	{
		name: "more than 16 KB of certificates",
		expect: "too_long",
		make: (world) =>
			sends(world, ({ certificates }) => [
				...certificates,
				new Uint8Array(16_384),
			]),
	},
	{
		name: "nobody pinned",
		expect: "unknown_authority",
		make: (world) => ({ ...world.chain(), anchors: [] }),
	},
	{
		name: "an authority that is not pinned",
		expect: "unknown_authority",
		make: (world) => {
			const foreign = world.other("Foreign", world.stranger);
			return {
				...world.chain(),
				anchors: [world.authority(foreign, foreign)],
			};
		},
	},
	{
		name: "an authority that has the pinned one's name and another key",
		expect: "bad_signature",
		make: (world) => {
			const namesake = world.other("Root", world.stranger);
			return {
				...world.chain(),
				anchors: [world.authority(namesake, namesake)],
			};
		},
	},
	{
		name: "the pinned authority's name on a self-signed one that is sent along",
		expect: "bad_signature",
		make: (world) => {
			const fake = world.other("Root", world.stranger);
			return sends(world, () => [
				world.server(fake),
				world.authority(fake, fake),
			]);
		},
	},
	{
		name: "a missing intermediate",
		expect: "unknown_authority",
		make: (world) =>
			sends(world, ({ certificates }) => certificates.slice(0, 1)),
	},
	{
		name: "two authorities that vouch for each other",
		expect: "unknown_authority",
		make: (world) => {
			const [one, two] = [
				world.intermediate,
				world.other("Two", world.stranger),
			];
			return sends(world, () => [
				world.server(one),
				world.authority(two, one),
				world.authority(one, two),
			]);
		},
	},
	{
		name: "an intermediate that is cut off",
		expect: "malformed",
		make: (world) =>
			sends(world, ({ certificates: [leaf = raw(), issuer = raw()] }) => [
				leaf,
				issuer.subarray(0, -1),
			]),
	},
	{
		name: "bytes that are no certificate in the path's way",
		expect: "malformed",
		make: (world) =>
			sends(world, ({ certificates: [leaf = raw(), issuer = raw()] }) => [
				leaf,
				raw(0x30, 0x80),
				issuer,
			]),
	},
	{
		name: "an intermediate under one that allows none (path length 0)",
		expect: "path_too_long",
		make: (world) => oneTooMany(world, { upper: 0 }),
	},
	{
		name: "one intermediate more than the pinned authority allows",
		expect: "path_too_long",
		make: (world) => oneTooMany(world, { root: 1 }),
	},
	{
		name: "an issuer whose key may not sign certificates",
		expect: "key_usage",
		make: (world) =>
			world.chain({
				intermediate: {
					extensions: [basicConstraints(true), keyUsage(Usage.CRL)],
				},
			}),
	},
	{
		name: "a pinned authority whose key may not sign certificates",
		expect: "key_usage",
		make: (world) =>
			world.chain({
				root: { extensions: [basicConstraints(true), keyUsage(Usage.CRL)] },
			}),
	},
	{
		name: "an issuer for clients",
		expect: "extended_key_usage",
		make: (world) =>
			world.chain({
				intermediate: {
					extensions: [
						basicConstraints(true),
						extendedKeyUsage(Purpose.CLIENT),
					],
				},
			}),
	},
	{
		name: "an issuer for any purpose",
		expect: "extended_key_usage",
		make: (world) =>
			world.chain({
				intermediate: {
					extensions: [basicConstraints(true), extendedKeyUsage(Purpose.ANY)],
				},
			}),
	},
	{
		name: "an issuer constrained to names",
		expect: "name_constraints",
		make: (world) =>
			world.chain({
				intermediate: {
					extensions: [
						basicConstraints(true),
						extension("2.5.29.30", NAME_CONSTRAINTS, true),
					],
				},
			}),
		nodeDiffers: "OpenSSL applies the constraints, and they allow the name",
	},
	{
		name: "an issuer constrained to names, not critically",
		expect: "name_constraints",
		make: (world) =>
			world.chain({
				intermediate: {
					extensions: [
						basicConstraints(true),
						extension("2.5.29.30", NAME_CONSTRAINTS),
					],
				},
			}),
		nodeDiffers: "OpenSSL applies the constraints, and they allow the name",
	},
	{
		name: "an unknown critical extension of an issuer",
		expect: "unknown_critical_extension",
		make: (world) =>
			world.chain({
				intermediate: {
					extensions: [
						basicConstraints(true),
						extension("1.2.3.4", raw(5, 0), true),
					],
				},
			}),
	},
	{
		name: "an unknown critical extension of the pinned authority",
		expect: "unknown_critical_extension",
		make: (world) =>
			world.chain({
				root: {
					extensions: [
						basicConstraints(true),
						extension("1.2.3.4", raw(5, 0), true),
					],
				},
			}),
	},
	{
		name: "an issuer that has expired",
		expect: "expired",
		make: (world) =>
			world.chain({
				intermediate: {
					validity: validity(world.times.past, world.times.yesterday),
				},
			}),
	},
	{
		name: "a pinned authority that has expired",
		expect: "expired",
		make: (world) =>
			world.chain({
				root: { validity: validity(world.times.past, world.times.yesterday) },
			}),
	},
	{
		name: "an issuer that is not valid yet",
		expect: "not_yet_valid",
		make: (world) =>
			world.chain({
				intermediate: {
					validity: validity(world.times.tomorrow, world.times.future),
				},
			}),
	},
];
