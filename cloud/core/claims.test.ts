import assert from "node:assert/strict";
import { CLAIM_CLIENT_PREFIX } from "../../protocol/provisioning.ts";
import {
	isClaimName,
	MAX_CLAIM_NAME_LENGTH,
	refusalOfClaim,
} from "./claims.ts";
import { claimStoreContract } from "./contracts/claim-store.ts";
import { memoryClaims } from "./fakes/memory-claims.ts";
import { memoryStores } from "./fakes/memory-stores.ts";

const NOW = 1_790_000_000_000;
const MINUTE = 60_000;

claimStoreContract("Memory", async () => memoryClaims());

const { devices } = memoryStores();

describe("A name that may be claimed", () => {
	it("makes, with the prefix, a client id that AWS IoT takes", () => {
		const longest = "n".repeat(MAX_CLAIM_NAME_LENGTH);
		assert.equal(Buffer.byteLength(CLAIM_CLIENT_PREFIX + longest), 128);
		for (const name of ["n", longest]) assert.ok(isClaimName(name));
		for (const name of ["", `${longest}n`, "n".repeat(128), "a/b", "rotate:n"])
			assert.ok(!isClaimName(name), name);
	});
});

describe("A node that claims to be a thing", () => {
	it("is let in when that has been allowed", async () => {
		const claims = memoryClaims();
		await claims.allow("boiler", NOW - MINUTE);
		assert.equal(await refusalOfClaim(claims, devices, "boiler", NOW), null);
	});

	it("may ask again for a quarter of an hour, since it may not have heard the answer", async () => {
		const claims = memoryClaims();
		await claims.allow("boiler", NOW - MINUTE);
		await refusalOfClaim(claims, devices, "boiler", NOW);
		const later = (ms: number) =>
			refusalOfClaim(claims, devices, "boiler", NOW + ms);
		assert.equal(await later(1000), null);
		assert.equal(await later(15 * MINUTE), null);
		assert.equal(await later(15 * MINUTE + 1), "claimed");
		assert.equal(await later(-1), "claimed");
	});

	it("may not ask again once the thing has connected", async () => {
		const claims = memoryClaims();
		const { devices } = memoryStores();
		await devices.create("boiler", NOW);
		await devices.update("boiler", { lastSeenMs: NOW - 1 });
		await claims.allow("boiler", NOW - MINUTE);
		const ask = () => refusalOfClaim(claims, devices, "boiler", NOW + 1000);
		await refusalOfClaim(claims, devices, "boiler", NOW);
		assert.equal(await ask(), null);
		await devices.update("boiler", { lastSeenMs: NOW + 500 });
		assert.equal(await ask(), "claimed");
	});

	it("is not let in as one that nobody has allowed", async () => {
		const refusal = await refusalOfClaim(
			memoryClaims(),
			devices,
			"boiler",
			NOW,
		);
		assert.equal(refusal, "not_allowed");
	});

	it("is let in no more once it has been revoked, though it was let in a moment ago", async () => {
		const claims = memoryClaims();
		await claims.allow("boiler", NOW);
		await refusalOfClaim(claims, devices, "boiler", NOW);
		await claims.revoke("boiler");
		const refusal = await refusalOfClaim(claims, devices, "boiler", NOW + 1000);
		assert.equal(refusal, "not_allowed");
	});

	it("is let in once more when it has been allowed once more", async () => {
		const claims = memoryClaims();
		await claims.allow("boiler", NOW);
		await refusalOfClaim(claims, devices, "boiler", NOW);
		await claims.allow("boiler", NOW + 1);
		const hourLater = NOW + 60 * MINUTE;
		assert.equal(
			await refusalOfClaim(claims, devices, "boiler", hourLater),
			null,
		);
	});

	for (const name of [
		undefined,
		null,
		7,
		"",
		"a b",
		"ü",
		"a/b",
		"x".repeat(129),
	]) {
		it(`is not let in under the name ${JSON.stringify(name)?.slice(0, 20)}`, async () => {
			const refusal = await refusalOfClaim(memoryClaims(), devices, name, NOW);
			assert.equal(refusal, "bad_name");
		});
	}
});
