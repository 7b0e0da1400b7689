import assert from "node:assert/strict";
import {
	RegistryError,
	type ThingRegistry,
	UnknownCertificate,
} from "../thing-registry.ts";

/** What a suite runs on: a registry that holds nothing, and what makes requests and reads certificates. */
export interface RegistryUnderTest {
	readonly registry: ThingRegistry;
	/** A certificate request for a new key: PKCS #10, PEM. */
	request(thing: string): Promise<string>;
	/** SHA-256 of a certificate's DER form, hex. */
	idOf(certificate: string): string;
	/** The devices that have been made, by name. */
	devices(): Promise<readonly string[]>;
}

/** What every ThingRegistry promises. */
export function thingRegistryContract(
	name: string,
	make: () => Promise<RegistryUnderTest>,
): void {
	describe(`${name} as a registry of things`, () => {
		let under: RegistryUnderTest;
		let registry: ThingRegistry;

		beforeEach(async () => {
			under = await make();
			registry = under.registry;
		});

		async function issued(thing: string): Promise<string> {
			return registry.issue(thing, await under.request(thing));
		}

		it("makes a device once, however often it is registered", async () => {
			await registry.register("boiler");
			await registry.register("boiler");
			await registry.register("roof");
			assert.deepEqual(await under.devices(), ["boiler", "roof"]);
		});

		it("names the certificate from which a node checks the broker's", () => {
			assert.match(registry.authorityPem, /^-----BEGIN CERTIFICATE-----\n/);
		});

		it("puts a certificate that it issued into force, once and again", async () => {
			await registry.register("boiler");
			const certificate = await issued("boiler");
			assert.equal(await registry.adopt("boiler", certificate), true);
			assert.equal(await registry.adopt("boiler", certificate), true);
			assert.deepEqual(await registry.revoke("boiler"), [
				under.idOf(certificate),
			]);
		});

		it("has nothing to revoke of a certificate that was never adopted", async () => {
			await registry.register("boiler");
			await issued("boiler");
			await assert.rejects(registry.revoke("boiler"), UnknownCertificate);
		});

		it("revokes one certificate by its id and leaves the others", async () => {
			await registry.register("boiler");
			const certificates = [await issued("boiler"), await issued("boiler")];
			for (const one of certificates) await registry.adopt("boiler", one);
			const [first = "", second = ""] = certificates.map(under.idOf);
			assert.deepEqual(await registry.revoke(first), [first]);
			assert.deepEqual(await registry.revoke(first), []);
			assert.deepEqual(await registry.revoke("boiler"), [second]);
		});

		it("never takes a revoked certificate back into force", async () => {
			await registry.register("boiler");
			const certificate = await issued("boiler");
			await registry.adopt("boiler", certificate);
			await registry.revoke("boiler");
			assert.equal(await registry.adopt("boiler", certificate), false);
		});

		it("adopts neither what is no certificate nor what another thing has", async () => {
			await registry.register("boiler");
			await registry.register("roof");
			const certificate = await issued("roof");
			await registry.adopt("roof", certificate);
			assert.equal(await registry.adopt("boiler", certificate), false);
			assert.equal(await registry.adopt("boiler", "-----BEGIN CERT"), false);
		});

		it("names the certificates of a thing that are in force, and no others", async () => {
			assert.deepEqual(await registry.inForce("boiler"), []);
			await registry.register("boiler");
			await registry.register("roof");
			const certificates = [await issued("boiler"), await issued("boiler")];
			assert.deepEqual(await registry.inForce("boiler"), []);
			for (const one of certificates) await registry.adopt("boiler", one);
			const [first = "", second = ""] = certificates.map(under.idOf);
			const inForce = await registry.inForce("boiler");
			assert.deepEqual([...inForce].sort(), [first, second].sort());
			assert.deepEqual(await registry.inForce("roof"), []);
			await registry.revoke(first);
			assert.deepEqual(await registry.inForce("boiler"), [second]);
		});

		it("refuses what is no certificate request", async () => {
			await registry.register("boiler");
			await assert.rejects(
				registry.issue("boiler", "no request"),
				(error) =>
					error instanceof RegistryError && error.code === "bad_request",
			);
		});

		it("knows no certificate of a thing that is not there", async () => {
			await assert.rejects(registry.revoke("nobody"), (error) => {
				assert.ok(error instanceof UnknownCertificate);
				assert.match(error.message, /nobody/);
				return true;
			});
			await assert.rejects(registry.revoke("f".repeat(64)), UnknownCertificate);
		});
	});
}
