import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { World } from "../../../test/certificates/world.ts";
import type { KeyPair } from "../../node/ports.ts";
import { checkCredentials } from "./credentials.ts";
import { CredentialSwitch } from "./key-switch.ts";

const world = new World();
const pem = (der: Uint8Array) =>
	`-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;

const certificate = world.server(world.root, {}, world.rsa.leaf);

function provisioned() {
	return checkCredentials({
		certificate: Uint8Array.from(certificate).buffer,
		key: Uint8Array.from(
			world.rsa.leaf.privateKey.export({ type: "pkcs8", format: "der" }),
		).buffer,
		authorities: world.chain().anchors,
	});
}

function pairOf(type: "pkcs1" | "pkcs8", key: KeyObject): KeyPair {
	return {
		certificateId: "a".repeat(64),
		certificatePem: pem(certificate),
		privateKeyPem: key.export({ type, format: "pem" }).toString(),
	};
}

const isTheKey = (der: ArrayBuffer) => {
	const key = createPrivateKey({
		key: Buffer.from(der),
		format: "der",
		type: "pkcs8",
	});
	return createPublicKey(key).equals(
		createPublicKey(world.rsa.leaf.privateKey),
	);
};

describe("The key that an ESP32 connects with", () => {
	it("is the provisioned one, until the node has another", () => {
		const keys = new CredentialSwitch(provisioned);
		const first = keys.current;
		keys.use(pairOf("pkcs8", world.rsa.leaf.privateKey));
		assert.notEqual(keys.current, first);
		assert.equal(keys.current.authorities, first.authorities);
		keys.use(null);
		assert.deepEqual(keys.current.certificate, first.certificate);
	});

	it("may come in PKCS #8, and in PKCS #1 as AWS IoT gives it out", () => {
		for (const type of ["pkcs8", "pkcs1"] as const) {
			const keys = new CredentialSwitch(provisioned);
			keys.use(pairOf(type, world.rsa.leaf.privateKey));
			assert.ok(isTheKey(keys.current.key), type);
		}
	});

	it("stays where another is of no use", () => {
		const keys = new CredentialSwitch(provisioned);
		const before = keys.current;
		const good = pairOf("pkcs1", world.rsa.leaf.privateKey);
		const other = pairOf("pkcs8", world.rsa.root.privateKey);
		for (const change of [
			{ privateKeyPem: "" },
			{ privateKeyPem: good.certificatePem },
			{ certificatePem: good.privateKeyPem },
			{ certificatePem: "-----BEGIN CERTIFICATE-----\n*\n-----END " },
			{ privateKeyPem: good.privateKeyPem.slice(0, 800) },
			{ privateKeyPem: other.privateKeyPem },
		]) {
			assert.throws(() => keys.use({ ...good, ...change }));
			assert.equal(keys.current, before);
		}
	});
});
