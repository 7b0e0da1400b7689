import assert from "node:assert/strict";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import fc from "fast-check";
import {
	encodeManifest,
	isSignature,
	MAX_MANIFEST_BYTES,
	ManifestError,
	type ManifestReason,
	parseManifest,
	type UpdateManifest,
} from "./update-manifest.ts";

const MANIFEST: UpdateManifest = {
	project: "thinghz",
	board: "esp32c3",
	version: "1.2.3",
	securityVersion: 4,
	sizeBytes: 900_000,
	sha256: "ab".repeat(32),
};
const FULL: UpdateManifest = {
	...MANIFEST,
	nextKey: `04${"5c".repeat(64)}`,
	delta: {
		fromSha256: "01".repeat(32),
		fromSizeBytes: 890_000,
		sizeBytes: 40_000,
		sha256: "23".repeat(32),
	},
};

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const textOf = (manifest: UpdateManifest) =>
	Buffer.from(encodeManifest(manifest)).toString();

function refusal(act: () => unknown): ManifestReason | null {
	try {
		act();
		return null;
	} catch (error) {
		assert.ok(error instanceof ManifestError, String(error));
		return error.code;
	}
}

const hexOf = (digits: number) =>
	fc
		.array(fc.constantFrom(..."0123456789abcdef"), {
			minLength: digits,
			maxLength: digits,
		})
		.map((all) => all.join(""));
const size = fc.integer({ min: 1, max: 0xffffffff });
const arbitraryManifest: fc.Arbitrary<UpdateManifest> = fc.record(
	{
		project: fc.stringMatching(/^[A-Za-z0-9._-]{1,31}$/),
		board: fc.stringMatching(/^[A-Za-z0-9._-]{1,31}$/),
		version: fc
			.tuple(fc.nat(65535), fc.nat(65535), fc.nat(65535))
			.map((all) => all.join(".")),
		securityVersion: fc.nat(0xffffffff),
		sizeBytes: size,
		sha256: hexOf(64),
		nextKey: hexOf(128).map((digits) => `04${digits}`),
		delta: fc.record(
			{
				fromSha256: hexOf(64),
				fromSizeBytes: size,
				sizeBytes: size,
				sha256: hexOf(64),
			},
			{ noNullPrototype: true },
		),
	},
	{
		noNullPrototype: true,
		requiredKeys: [
			"project",
			"board",
			"version",
			"securityVersion",
			"sizeBytes",
			"sha256",
		],
	},
);

describe("an update's manifest", () => {
	it("is these bytes", () => {
		assert.equal(
			textOf(MANIFEST),
			`{"manifest":1,"project":"thinghz","board":"esp32c3","version":"1.2.3","securityVersion":4,"sizeBytes":900000,"sha256":"${"ab".repeat(32)}"}`,
		);
	});

	it("gives back what was written, and fits its limit", () => {
		fc.assert(
			fc.property(arbitraryManifest, (manifest) => {
				const bytes = encodeManifest(manifest);
				assert.ok(bytes.length <= MAX_MANIFEST_BYTES);
				assert.deepEqual(parseManifest(bytes), manifest);
			}),
		);
	});

	it("with one bit changed, any of them, is refused or is not what was signed", () => {
		const { privateKey, publicKey } = generateKeyPairSync("ec", {
			namedCurve: "P-256",
		});
		const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
		const bytes = encodeManifest(MANIFEST);
		const signature = sign("sha256", bytes, {
			key: privateKey,
			dsaEncoding: "ieee-p1363",
		});
		assert.ok(verify("sha256", bytes, key, signature));
		const reasons = new Set<string>();
		for (let bit = 0; bit < bytes.length * 8; bit++) {
			const altered = bytes.slice();
			altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
			assert.equal(verify("sha256", altered, key, signature), false);
			reasons.add(refusal(() => parseManifest(altered)) ?? "parses");
		}
		for (const reason of [
			"manifest_malformed",
			"manifest_version",
			"manifest_member",
			"parses",
		])
			assert.ok(reasons.has(reason), reason);
	});

	it("cut off anywhere is refused", () => {
		const bytes = encodeManifest(FULL);
		for (let length = 0; length < bytes.length; length++)
			assert.equal(
				refusal(() => parseManifest(bytes.subarray(0, length))),
				"manifest_malformed",
			);
	});

	for (const [what, text, reason] of [
		["an array", "[]", "manifest_malformed"],
		["null", "null", "manifest_malformed"],
		["a number", "7", "manifest_malformed"],
		["nothing", "", "manifest_malformed"],
		[
			"of a later form",
			textOf(MANIFEST).replace(":1,", ":2,"),
			"manifest_version",
		],
		[
			"of no form",
			textOf(MANIFEST).replace('"manifest":1,', ""),
			"manifest_version",
		],
		["with a space", textOf(MANIFEST).replace(",", ", "), "manifest_encoding"],
		[
			"in another order",
			textOf(MANIFEST).replace(/("manifest":1),("project":"thinghz")/, "$2,$1"),
			"manifest_encoding",
		],
		[
			"with a member twice",
			textOf(MANIFEST).replace(
				'"securityVersion":4',
				'"securityVersion":9,"securityVersion":4',
			),
			"manifest_encoding",
		],
		[
			"with an escape",
			textOf(MANIFEST).replace("thinghz", "\\u0074hinghz"),
			"manifest_encoding",
		],
		[
			"with a number in another form",
			textOf(MANIFEST).replace("900000", "9e5"),
			"manifest_encoding",
		],
		["with something behind it", `${textOf(MANIFEST)}{}`, "manifest_malformed"],
		["too long", " ".repeat(MAX_MANIFEST_BYTES + 1), "manifest_too_long"],
		[
			"with a letter of another script",
			textOf(MANIFEST).replace("thinghz", "thïnghz"),
			"manifest_malformed",
		],
	] as const)
		it(`is not ${what}: ${reason}`, () => {
			assert.equal(
				refusal(() => parseManifest(bytesOf(text))),
				reason,
			);
		});

	for (const [what, change] of [
		["without a project", { project: undefined }],
		["with an empty project", { project: "" }],
		["with a project of 32 characters", { project: "p".repeat(32) }],
		["with a space in its board", { board: "esp 32" }],
		["with a version that is a number", { version: 1 }],
		["with a version of two numbers", { version: "1.2" }],
		["with a negative security version", { securityVersion: -1 }],
		["with half a security version", { securityVersion: 0.5 }],
		["with a security version beyond 32 bits", { securityVersion: 2 ** 32 }],
		["of an image of no bytes", { sizeBytes: 0 }],
		["with a hash in capitals", { sha256: "AB".repeat(32) }],
		["with a hash that is too short", { sha256: "ab".repeat(31) }],
		["with a key that is compressed", { nextKey: `02${"ab".repeat(32)}` }],
		["with a key of another form", { nextKey: `05${"ab".repeat(64)}` }],
		["with a delta that is none", { delta: 7 }],
		["with a delta of null", { delta: null }],
		[
			"with a delta without a base",
			{ delta: { ...FULL.delta, fromSha256: undefined } },
		],
		["with a delta of no bytes", { delta: { ...FULL.delta, sizeBytes: 0 } }],
		["with a delta that has more", { delta: { ...FULL.delta, more: 1 } }],
		["with a member of a later version", { more: true }],
		["with a prototype", { __proto__: null, constructor: 1 }],
	] as const)
		it(`is none ${what}`, () => {
			const manifest = { ...MANIFEST, ...change } as UpdateManifest;
			assert.equal(
				refusal(() => encodeManifest(manifest)),
				"manifest_member",
			);
			const text = JSON.stringify({ manifest: 1, ...manifest });
			assert.equal(
				refusal(() => parseManifest(bytesOf(text))),
				"manifest_member",
			);
		});
});

describe("what can be a signature", () => {
	const ORDER =
		"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
	const one = `${"00".repeat(31)}01`;
	const below = `${ORDER.slice(0, -1)}0`;
	for (const [what, r, s, expected] of [
		["r and s of one", one, one, true],
		["r and s of n − 1", below, below, true],
		["r of zero", "00".repeat(32), one, false],
		["s of zero", one, "00".repeat(32), false],
		["r of n", ORDER, one, false],
		["s of n", one, ORDER, false],
		["s above n", one, "ff".repeat(32), false],
		["31 bytes of s", one, one.slice(2), false],
		["33 bytes of s", one, `${one}00`, false],
	] as const)
		it(`is ${expected ? "" : "not "}${what}`, () => {
			const bytes = new Uint8Array(Buffer.from(r + s, "hex"));
			assert.equal(isSignature(bytes), expected);
		});
});
