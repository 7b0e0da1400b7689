import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { World } from "../../../test/certificates/world.ts";
import { checkCredentials } from "./credentials.ts";
import { type Credentials, IdentityError } from "./identity-of-thing.ts";

const world = new World();
const bufferOf = (bytes: Uint8Array): ArrayBuffer =>
	Uint8Array.from(bytes).buffer;
const pkcs8 = (key: KeyObject) =>
	bufferOf(key.export({ type: "pkcs8", format: "der" }) as Buffer);

const GOOD: Credentials = {
	certificate: bufferOf(world.server(world.root, {}, world.rsa.leaf)),
	key: pkcs8(world.rsa.leaf.privateKey),
	authorities: world.chain().anchors,
};

function refuses(changes: Partial<Credentials>, code: string, why: RegExp) {
	assert.throws(
		() => checkCredentials({ ...GOOD, ...changes }),
		(error) => {
			assert.ok(error instanceof IdentityError, String(error));
			assert.equal(error.code, code);
			assert.match(error.message, why);
			return true;
		},
	);
}

describe("A node's credentials", () => {
	it("are taken when certificate and key are one RSA pair", () => {
		const checked = checkCredentials(GOOD);
		assert.equal(checked.issuedMs, world.times.yesterday);
		assert.equal(checked.key, GOOD.key);
	});

	it("are refused with a key that is none", () => {
		const none = /cannot be read/;
		refuses({ key: new ArrayBuffer(0) }, "key", none);
		refuses({ key: new ArrayBuffer(1200) }, "key", none);
		refuses(
			{ key: bufferOf(Buffer.from("-----BEGIN PRIVATE KEY-----")) },
			"key",
			none,
		);
	});

	it("are refused with a key that is cut off, at every length", () => {
		for (let length = 0; length < GOOD.key.byteLength; length++)
			refuses({ key: GOOD.key.slice(0, length) }, "key", /cannot be read/);
	});

	it("are refused with a key on a curve, and of another kind", () => {
		refuses({ key: pkcs8(world.ec.leaf.privateKey) }, "key", /not an RSA key/);
		const { privateKey } = generateKeyPairSync("ed25519");
		refuses({ key: pkcs8(privateKey) }, "key", /not an RSA key/);
	});

	it("are refused with a key as PKCS #1", () => {
		const key = world.rsa.leaf.privateKey.export({
			type: "pkcs1",
			format: "der",
		});
		refuses({ key: bufferOf(key as Buffer) }, "key", /cannot be read/);
	});

	it("are refused with the key of another certificate", () => {
		refuses(
			{ key: pkcs8(world.rsa.root.privateKey) },
			"key",
			/not the one of its certificate/,
		);
	});

	it("are refused with a certificate that is none, and cut off at every length", () => {
		const { certificate } = GOOD;
		refuses(
			{ certificate: new ArrayBuffer(800) },
			"certificate",
			/cannot be read/,
		);
		for (let length = 0; length < certificate.byteLength; length++)
			refuses(
				{ certificate: certificate.slice(0, length) },
				"certificate",
				/cannot be read/,
			);
	});

	it("are refused with a certificate for a key on a curve", () => {
		refuses(
			{ certificate: bufferOf(world.server(world.root)) },
			"certificate",
			/not for an RSA key/,
		);
	});

	it("are refused with an authority that is none", () => {
		for (const authority of [
			new Uint8Array(0),
			new Uint8Array(600),
			(GOOD.authorities[0] as Uint8Array).subarray(0, 100),
		])
			refuses(
				{ authorities: [...GOOD.authorities, authority] },
				"authority",
				/cannot be read/,
			);
	});

	it("are refused by an IdentityError whatever is in their place", () => {
		const bytes = fc.uint8Array({ maxLength: 60 });
		fc.assert(
			fc.property(bytes, bytes, (certificate, key) => {
				refuses({ certificate: bufferOf(certificate) }, "certificate", /./);
				refuses({ key: bufferOf(key) }, "key", /./);
			}),
		);
	});
});
