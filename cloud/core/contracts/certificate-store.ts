import assert from "node:assert/strict";
import type { CertificateStore } from "../ports.ts";

/** What every store of certificates promises. @param makeStore makes one that holds nothing */
export function certificateStoreContract(
	name: string,
	makeStore: () => Promise<CertificateStore>,
): void {
	describe(`${name} as a store of certificates`, () => {
		let certificates: CertificateStore;

		beforeEach(async () => {
			certificates = await makeStore();
		});

		it("keeps certificates, and what is revoked stays revoked", async () => {
			const certificate = (certificateId: string, createdMs: number) => ({
				certificateId,
				thing: "roof",
				status: "ACTIVE" as const,
				createdMs,
			});
			await certificates.add(certificate("bb", 1));
			await certificates.add(certificate("aa", 2));
			await certificates.revoke("bb");
			await certificates.add(certificate("bb", 3));
			assert.deepEqual(await certificates.ofThing("roof"), [
				{ ...certificate("bb", 1), status: "REVOKED" },
				certificate("aa", 2),
			]);
			assert.deepEqual(await certificates.get("aa"), certificate("aa", 2));
			assert.equal(await certificates.get("cc"), null);
			assert.deepEqual(await certificates.ofThing("boiler"), []);
			assert.deepEqual(await certificates.ofClaims(), []);
		});

		it("keeps those of claims apart from those of things", async () => {
			const claim = {
				certificateId: "cc",
				thing: null,
				status: "ACTIVE" as const,
				createdMs: 4,
			};
			await certificates.add(claim);
			await certificates.add({ ...claim, certificateId: "dd", thing: "roof" });
			assert.deepEqual(await certificates.get("cc"), claim);
			assert.deepEqual(await certificates.ofClaims(), [claim]);
			assert.deepEqual(await certificates.ofThing(""), []);
			await certificates.revoke("cc");
			assert.deepEqual(await certificates.ofClaims(), [
				{ ...claim, status: "REVOKED" },
			]);
		});

		it("keeps which one a certificate takes the place of", async () => {
			const next = {
				certificateId: "bb",
				thing: "roof",
				status: "ACTIVE" as const,
				createdMs: 2,
				replaces: "aa",
			};
			await certificates.add(next);
			assert.deepEqual(await certificates.get("bb"), next);
		});
	});
}
