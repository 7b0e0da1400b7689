import assert from "node:assert/strict";
import {
	createPrivateKey,
	generateKeyPairSync,
	X509Certificate,
} from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateRequest } from "../../../tools/identity/certificate-request.ts";
import { memoryStores } from "../../core/fakes/memory-stores.ts";
import type { NodeCertificates } from "../../core/provisioning/ports.ts";
import { RegistryError } from "../../core/thing-registry.ts";
import { certificateIdOf, openAuthority } from "./authority.ts";
import { nodeCertificates } from "./node-certificates.ts";
import { LocalRegistry } from "./registry.ts";

describe("Certificates for devices that ask themselves", () => {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-node-certificates-"));
	const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
	let certificates: NodeCertificates;
	let request: string;

	before(async () => {
		certificates = nodeCertificates(await openAuthority(dir));
		request = await certificateRequest("boiler", privateKey);
	});
	after(() => rmSync(dir, { recursive: true }));

	it("are for the key of the request, by the authority, and name no thing", async () => {
		const { certificateId, certificatePem } = await certificates.sign(request);
		const leaf = new X509Certificate(certificatePem);
		const { certificatePem: issuer } = await openAuthority(dir);
		assert.ok(leaf.checkPrivateKey(privateKey));
		assert.ok(leaf.verify(new X509Certificate(issuer).publicKey));
		assert.equal(leaf.subject, "CN=ThingHz device");
		assert.equal(certificateIdOf(leaf.raw), certificateId);
	});

	it("come with an RSA key of 2048 bits where one is asked for", async () => {
		const made = await certificates.make();
		const key = createPrivateKey(made.privateKey);
		assert.equal(key.asymmetricKeyDetails?.modulusLength, 2048);
		assert.ok(new X509Certificate(made.certificatePem).checkPrivateKey(key));
	});

	it("are neither a thing's nor a claim's before somebody says so", async () => {
		const stores = memoryStores();
		const authority = await openAuthority(dir);
		const clock = { nowMs: Date.now };
		const registry = new LocalRegistry({ authority, stores, clock });
		const { certificatePem } = await certificates.sign(request);
		assert.equal(await registry.adopt("boiler", certificatePem), false);
		assert.equal(await registry.adoptClaim(certificatePem), false);
		const claim = await registry.issueClaim(request);
		assert.equal(await registry.adopt("boiler", claim), false);
		assert.equal(await registry.adoptClaim(claim), true);
		assert.deepEqual(
			(await registry.claimCertificates()).map(({ thing }) => thing),
			[null],
		);
	});

	async function refused(csr: string): Promise<void> {
		await assert.rejects(
			certificates.sign(csr),
			(error) => error instanceof RegistryError && error.code === "bad_request",
		);
	}

	it("are refused to an RSA key of 1024 bits", async () => {
		const weak = generateKeyPairSync("rsa", { modulusLength: 1024 });
		await refused(await certificateRequest("boiler", weak.privateKey));
	});

	it("are refused to a request that somebody has changed", async () => {
		const lines = request.trim().split("\n");
		const der = Buffer.from(lines.slice(1, -1).join(""), "base64");
		const at = der.indexOf("boiler");
		der.write("toiler", at);
		const pem = der.toString("base64").replace(/(.{64})/g, "$1\n");
		await refused(
			`-----BEGIN CERTIFICATE REQUEST-----\n${pem}\n-----END CERTIFICATE REQUEST-----\n`,
		);
	});

	it("are refused to what is no request", async () => {
		await refused("");
		await refused(request.slice(0, 300));
		const { certificatePem } = await openAuthority(dir);
		await refused(certificatePem);
	});
});
