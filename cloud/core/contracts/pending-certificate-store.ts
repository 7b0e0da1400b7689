import assert from "node:assert/strict";
import type { CertificateStore, DeviceCertificate } from "../ports.ts";
import {
	MAX_PENDING_CERTIFICATES,
	type PendingCertificate,
	type PendingCertificateStore,
} from "../provisioning/ports.ts";

const PENDING: PendingCertificate = {
	tokenHash: "t-1",
	certificateId: "aa",
	expiresMs: 100,
};
/** By which it is asked. */
const CLAIM = "cc";
const CERTIFICATE: DeviceCertificate = {
	certificateId: "aa",
	thing: "boiler",
	status: "ACTIVE",
	createdMs: 50,
};

/** What every store of pending certificates does. @param make new, empty ones of one cloud */
export function pendingCertificateStoreContract(
	name: string,
	make: () => Promise<{
		readonly pending: PendingCertificateStore;
		readonly certificates: CertificateStore;
	}>,
): void {
	describe(`${name} as a store of pending certificates`, () => {
		let pending: PendingCertificateStore;
		let certificates: CertificateStore;

		beforeEach(async () => {
			({ pending, certificates } = await make());
			await certificates.add({
				certificateId: CLAIM,
				thing: null,
				status: "ACTIVE",
				createdMs: 1,
			});
		});

		it("keeps a certificate out of force until it is redeemed", async () => {
			await pending.add(PENDING, 0);
			assert.deepEqual(await pending.get("t-1", 50), PENDING);
			assert.equal(await certificates.get("aa"), null);
			assert.equal(await pending.redeem("t-1", CERTIFICATE, CLAIM, 50), true);
			assert.deepEqual(await certificates.get("aa"), CERTIFICATE);
		});

		it("redeems a token once", async () => {
			await pending.add(PENDING, 0);
			await pending.redeem("t-1", CERTIFICATE, CLAIM, 50);
			assert.equal(await pending.get("t-1", 51), null);
			const other = { ...CERTIFICATE, thing: "roof" };
			assert.equal(await pending.redeem("t-1", other, CLAIM, 51), false);
			assert.deepEqual(await certificates.get("aa"), CERTIFICATE);
		});

		it("redeems it for one of those who ask at the same time", async () => {
			await pending.add(PENDING, 0);
			const things = ["a", "b", "c", "d"];
			const outcomes = await Promise.all(
				things.map((thing) =>
					pending.redeem("t-1", { ...CERTIFICATE, thing }, CLAIM, 50),
				),
			);
			assert.equal(outcomes.filter((won) => won).length, 1);
			const winner = things[outcomes.indexOf(true)];
			assert.equal((await certificates.get("aa"))?.thing, winner);
		});

		it("neither shows nor redeems one from when it expires", async () => {
			await pending.add(PENDING, 0);
			assert.notEqual(await pending.get("t-1", 99), null);
			assert.equal(await pending.get("t-1", 100), null);
			assert.equal(await pending.redeem("t-1", CERTIFICATE, CLAIM, 100), false);
			assert.equal(await certificates.get("aa"), null);
		});

		it("redeems no other certificate than the token's, and then leaves the token", async () => {
			await pending.add(PENDING, 0);
			const other = { ...CERTIFICATE, certificateId: "bb" };
			assert.equal(await pending.redeem("t-1", other, CLAIM, 50), false);
			assert.equal(await certificates.get("bb"), null);
			assert.equal(await pending.redeem("t-1", CERTIFICATE, CLAIM, 50), true);
		});

		it("redeems it for nobody who asks by a certificate that is not in force, and then leaves the token", async () => {
			await pending.add(PENDING, 0);
			assert.equal(await pending.redeem("t-1", CERTIFICATE, "dd", 50), false);
			const other = { ...CERTIFICATE, certificateId: "ee", thing: "roof" };
			await certificates.add(other);
			await certificates.revoke(CLAIM);
			assert.equal(await pending.redeem("t-1", CERTIFICATE, CLAIM, 50), false);
			assert.equal(await certificates.get("aa"), null);
			assert.equal(await pending.redeem("t-1", CERTIFICATE, "ee", 50), true);
		});

		it("knows no token that it was not given", async () => {
			assert.equal(await pending.get("t-1", 50), null);
			assert.equal(await pending.redeem("t-1", CERTIFICATE, CLAIM, 50), false);
			assert.equal(await certificates.get("aa"), null);
		});

		it("keeps so many, and forgets those first that expire first", async () => {
			await pending.add(PENDING, 0);
			const added = Array.from({ length: MAX_PENDING_CERTIFICATES }, (_, i) =>
				pending.add({ ...PENDING, tokenHash: `n-${i}`, expiresMs: 200 + i }, 0),
			);
			await Promise.all(added);
			assert.equal(await pending.get("t-1", 50), null);
			assert.notEqual(await pending.get("n-0", 50), null);
			await pending.add({ ...PENDING, expiresMs: 1e6 }, 0);
			assert.equal(await pending.get("n-0", 50), null);
			assert.notEqual(await pending.get("n-1", 50), null);
			assert.notEqual(await pending.get("t-1", 50), null);
		}).timeout(60_000);

		it("forgets the expired when another comes, and no others", async () => {
			await pending.add(PENDING, 0);
			const later = { tokenHash: "t-2", certificateId: "bb", expiresMs: 300 };
			await pending.add(later, 99);
			assert.notEqual(await pending.get("t-1", 99), null);
			await pending.add({ ...later, tokenHash: "t-3" }, 100);
			// Asked as of before: it is not only expired, but gone.
			assert.equal(await pending.get("t-1", 50), null);
			assert.deepEqual(await pending.get("t-2", 100), later);
		});
	});
}
