import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import {
	type AppDescription,
	CHIP_IDS,
	DESCRIPTION_BYTES,
	writeAppImage,
	writeDescription,
} from "../../firmware/image/app-image.ts";
import { isSignature, ManifestError } from "../../protocol/update-manifest.ts";
import {
	generateSigningKey,
	isSignedBy,
	pointOf,
	readPublicKey,
	readSigningKey,
	signBytes,
} from "./keys.ts";
import { openManifest, requireImage, signUpdate } from "./update.ts";

const PASSPHRASE = "correct horse battery";

function makeApp(
	description: Partial<AppDescription> = {},
	chipId: number = CHIP_IDS.esp32c3,
): Uint8Array {
	const data = new Uint8Array(DESCRIPTION_BYTES + 4000);
	for (let i = 0; i < data.length; i++) data[i] = (i * i) >> 5;
	data.set(
		writeDescription({
			secureVersion: 2,
			version: "1.2.3",
			project: "thinghz",
			time: "",
			date: "",
			idfVersion: "v6.0",
			elfSha256: new Uint8Array(32),
			...description,
		}),
	);
	return writeAppImage({
		chipId,
		spiMode: 2,
		spiSpeedAndSize: 0x20,
		entryAddress: 0,
		otherHeader: new Uint8Array(13),
		segments: [{ loadAddress: 0x3c000020, data }],
		hasHash: true,
	});
}

function codeOf(act: () => unknown): string | null {
	try {
		act();
		return null;
	} catch (error) {
		assert.ok(error instanceof Error && "code" in error, String(error));
		return String(error.code);
	}
}

describe("a key that signs updates", () => {
	it("is read again with its passphrase, and has the public key that was told", () => {
		const { privatePem, publicKey } = generateSigningKey(PASSPHRASE);
		const key = readSigningKey(privatePem, PASSPHRASE);
		assert.equal(pointOf(key), publicKey);
		assert.equal(pointOf(readPublicKey(`${publicKey}\n`)), publicKey);
		assert.match(privatePem, /BEGIN ENCRYPTED PRIVATE KEY/);
	});

	it("is not read with another passphrase, or from something else", () => {
		const { privatePem, publicKey } = generateSigningKey(PASSPHRASE);
		assert.equal(
			codeOf(() => readSigningKey(privatePem, "another passphrase")),
			"wrong_passphrase",
		);
		assert.equal(
			codeOf(() => readSigningKey(publicKey, PASSPHRASE)),
			"bad_key",
		);
		for (const namedCurve of ["P-384"]) {
			const other = generateKeyPairSync("ec", { namedCurve }).privateKey.export(
				{
					type: "pkcs8",
					format: "pem",
					cipher: "aes-256-cbc",
					passphrase: PASSPHRASE,
				},
			);
			assert.equal(
				codeOf(() => readSigningKey(other.toString(), PASSPHRASE)),
				"bad_key",
			);
		}
	});

	it("is not made with a short passphrase", () => {
		assert.equal(
			codeOf(() => generateSigningKey("short")),
			"weak_passphrase",
		);
	});

	for (const [what, text] of [
		["nothing", ""],
		["a point that is not on the curve", `04${"11".repeat(64)}`],
		["a compressed point", `02${"11".repeat(32)}`],
	] as const)
		it(`is not ${what}`, () => {
			assert.equal(
				codeOf(() => readPublicKey(text)),
				"bad_key",
			);
		});

	it("signs 64 bytes that no other key and no other bytes have", () => {
		const key = readSigningKey(
			generateSigningKey(PASSPHRASE).privatePem,
			PASSPHRASE,
		);
		const other = generateKeyPairSync("ec", { namedCurve: "P-256" });
		const bytes = Buffer.from("manifest");
		const signature = signBytes(bytes, key);
		assert.ok(isSignature(signature));
		const publicKey = readPublicKey(pointOf(key));
		assert.ok(isSignedBy(bytes, signature, publicKey));
		assert.equal(isSignedBy(bytes, signature, other.publicKey), false);
		assert.equal(
			isSignedBy(Buffer.from("Manifest"), signature, publicKey),
			false,
		);
		for (let bit = 0; bit < 512; bit++) {
			const altered = signature.slice();
			altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
			assert.equal(isSignedBy(bytes, altered, publicKey), false, `bit ${bit}`);
		}
	});
});

describe("a signed update", () => {
	const { privatePem, publicKey } = generateSigningKey(PASSPHRASE);
	const key = readSigningKey(privatePem, PASSPHRASE);
	const verifier = readPublicKey(publicKey);
	const next = generateSigningKey(PASSPHRASE).publicKey;

	it("says of the image what the image says", () => {
		const image = makeApp();
		const { manifest, manifestBytes, signature, delta } = signUpdate(
			{ image, board: "esp32c3" },
			key,
		);
		assert.deepEqual(
			openManifest(manifestBytes, signature, verifier),
			manifest,
		);
		assert.equal(manifest.version, "1.2.3");
		assert.equal(manifest.project, "thinghz");
		assert.equal(manifest.securityVersion, 2);
		assert.equal(manifest.sizeBytes, image.length);
		assert.equal(delta, null);
		requireImage(manifest, image);
	});

	it("leaves out what lies behind the image in its file", () => {
		const image = makeApp();
		const padded = new Uint8Array(image.length + 100).fill(0xff);
		padded.set(image);
		const { manifest } = signUpdate({ image: padded, board: "esp32c3" }, key);
		requireImage(manifest, image);
	});

	it("carries the next key, and a difference to what runs", () => {
		const base = makeApp();
		const image = makeApp({ version: "1.2.4" });
		const { manifest, delta } = signUpdate(
			{ image, board: "esp32c3", base, nextKey: next, securityVersion: 5 },
			key,
		);
		assert.equal(manifest.nextKey, next);
		assert.equal(manifest.securityVersion, 5);
		assert.ok(delta !== null && delta.length < image.length / 10);
		assert.equal(manifest.delta?.sizeBytes, delta.length);
		assert.equal(manifest.delta?.fromSizeBytes, base.length);
	});

	it("with one bit of manifest or signature changed is refused, each of them", () => {
		const { manifestBytes, signature } = signUpdate(
			{ image: makeApp(), board: "esp32c3" },
			key,
		);
		for (const part of [manifestBytes, signature])
			for (let bit = 0; bit < part.length * 8; bit++) {
				const flip = 1 << (bit & 7);
				part[bit >> 3] = (part[bit >> 3] ?? 0) ^ flip;
				assert.equal(
					codeOf(() => openManifest(manifestBytes, signature, verifier)),
					"signature_wrong",
				);
				part[bit >> 3] = (part[bit >> 3] ?? 0) ^ flip;
			}
		openManifest(manifestBytes, signature, verifier);
	});

	it("of something that is no manifest is refused although it is signed", () => {
		const bytes = Buffer.from("{}");
		assert.throws(
			() => openManifest(bytes, signBytes(bytes, key), verifier),
			ManifestError,
		);
	});

	it("is not of an image in which any byte is changed, or that is cut off", () => {
		const image = makeApp();
		const { manifest } = signUpdate({ image, board: "esp32c3" }, key);
		for (let at = 0; at < image.length; at += 37) {
			const altered = image.slice();
			altered[at] = (altered[at] ?? 0) ^ 4;
			assert.equal(
				codeOf(() => requireImage(manifest, altered)),
				"wrong_image",
			);
		}
		assert.equal(
			codeOf(() => requireImage(manifest, image.subarray(0, -1))),
			"wrong_image",
		);
	});

	it("is not of an image of another version, although its hash is the manifest's", () => {
		const image = makeApp();
		const { manifest } = signUpdate({ image, board: "esp32c3" }, key);
		for (const change of [{ version: "1.2.4" }, { project: "other" }])
			assert.equal(
				codeOf(() => requireImage({ ...manifest, ...change }, image)),
				"wrong_image",
			);
		assert.equal(
			codeOf(() => requireImage({ ...manifest, board: "esp32s3" }, image)),
			"bad_image",
		);
	});

	for (const [what, input, code] of [
		["of no image", { image: new Uint8Array(100) }, "bad_magic"],
		[
			"of an image for another chip",
			{ image: makeApp({}, CHIP_IDS.esp32s3) },
			"bad_image",
		],
		[
			"of a version that cannot be compared",
			{ image: makeApp({ version: "v1-dirty" }) },
			"bad_image",
		],
		[
			"of a security version below the image's",
			{ securityVersion: 1 },
			"security_version",
		],
		["with a next key that is none", { nextKey: "04" }, "bad_key"],
		["with itself as the next key", { nextKey: publicKey }, "bad_key"],
		["with a base that is none", { base: new Uint8Array(9) }, "truncated"],
		["for a board without a name", { board: "" }, "manifest_member"],
	] as const)
		it(`is not made ${what}: ${code}`, () => {
			assert.equal(
				codeOf(() =>
					signUpdate({ image: makeApp(), board: "esp32c3", ...input }, key),
				),
				code,
			);
		});

	it("for a board that is not known takes an image of any", () => {
		const { manifest } = signUpdate(
			{ image: makeApp(), board: "workbench" },
			key,
		);
		assert.equal(manifest.board, "workbench");
	});
});
