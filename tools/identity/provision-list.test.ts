import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	type MemoryStores,
	memoryStores,
} from "../../cloud/core/fakes/memory-stores.ts";
import { StoreError } from "../../cloud/core/ports.ts";
import {
	RegistryError,
	type ThingRegistry,
} from "../../cloud/core/thing-registry.ts";
import { openAuthority } from "../../cloud/local/identity/authority.ts";
import { LocalRegistry } from "../../cloud/local/identity/registry.ts";
import { certificateRequest } from "./certificate-request.ts";
import type { FleetRow } from "./fleet-csv.ts";
import { provisionList, type RowOutcome } from "./provision-list.ts";

describe("provisioning a list of things", () => {
	const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
	let csr: string;
	let dir: string;
	let stores: MemoryStores;
	let registry: LocalRegistry;

	before(async () => {
		csr = await certificateRequest("any", keys.privateKey);
	});
	beforeEach(async () => {
		dir = mkdtempSync(join(tmpdir(), "thinghz-list-"));
		stores = memoryStores();
		const authority = await openAuthority(dir);
		registry = new LocalRegistry({
			authority,
			stores,
			clock: { nowMs: Date.now },
		});
	});
	afterEach(() => rmSync(dir, { recursive: true }));

	async function run(
		rows: readonly FleetRow[],
		onOutcome: (outcome: RowOutcome) => void = () => undefined,
		{ of = registry as ThingRegistry, renew = false } = {},
	): Promise<RowOutcome[]> {
		const outcomes: RowOutcome[] = [];
		await provisionList(
			of,
			dir,
			rows,
			{ endpointHost: "127.0.0.1", port: 8883 },
			{
				atOnce: 3,
				renew,
				onOutcome: (outcome) => {
					outcomes.push(outcome);
					onOutcome(outcome);
				},
			},
		);
		return outcomes.sort((a, b) => (a.thing < b.thing ? -1 : 1));
	}

	const rows = () => [..."abcdeh"].map((name) => ({ name, csr }));

	it("gives each a certificate for its own key, and keeps no key", async () => {
		const outcomes = await run(rows());
		assert.ok(outcomes.every((one) => "issued" in one && one.issued));
		assert.equal((await stores.devices.list()).length, 6);
		for (const { name } of rows()) {
			assert.equal((await stores.certificates.ofThing(name)).length, 1);
			assert.ok(!existsSync(join(dir, "things", name, "private.pem")));
		}
	});

	it("run again, makes nothing twice", async () => {
		const first = await run(rows());
		const again = await run(rows());
		assert.deepEqual(
			again,
			first.map((one) => ({ ...one, issued: false })),
		);
	});

	for (const at of [1, 2, 3]) {
		it(`cut off after ${at} and run again, goes on`, async () => {
			let done = 0;
			const cut = run(rows(), () => {
				done++;
				stores.failing = done >= at;
			});
			await assert.rejects(cut, StoreError);
			stores.failing = false;
			const again = await run(rows());
			assert.equal(again.length, 6);
			for (const { name } of rows()) {
				assert.equal((await stores.certificates.ofThing(name)).length, 1);
			}
		});
	}

	it("gives another certificate to a device that has made another key, where that is asked for", async () => {
		await run(rows().slice(0, 1));
		const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const request = await certificateRequest("any", other.privateKey);
		const list = [{ name: "a", csr: request }];
		const [left] = await run(list);
		assert.ok(left !== undefined && "inForce" in left);
		const [outcome] = await run(list, undefined, { renew: true });
		assert.ok(outcome !== undefined && "certificateId" in outcome);
		const { thing, certificateId } = outcome;
		assert.deepEqual(outcome, { ...left, certificateId, issued: true });
		const again = await run(list);
		assert.deepEqual(again, [{ thing, certificateId, issued: false }]);
	});

	it("renewed, leaves those alone whose folder is whole, however often it is run", async () => {
		const list = [...rows(), { name: "g", csr: null }];
		const first = await run(list);
		for (let n = 0; n < 2; n++)
			assert.deepEqual(
				await run(list, undefined, { renew: true }),
				first.map((one) => ({ ...one, issued: false })),
			);
		for (const { name } of list)
			assert.equal((await stores.certificates.ofThing(name)).length, 1);
	});

	it("renewed, makes one for each that would be passed over, and names what stays in force, also when it is run again", async () => {
		const list = [..."abcd"].map((name) => ({ name, csr: null }));
		const first = await run(list);
		for (const name of ["b", "d"])
			rmSync(join(dir, "things", name, "private.pem"));
		const renewed = await run(list, undefined, { renew: true });
		assert.deepEqual(
			renewed.map((one) => "issued" in one && one.issued),
			[false, true, false, true],
		);
		for (const at of [1, 3]) {
			const [was = assert.fail(), is = assert.fail()] = [
				first[at],
				renewed[at],
			];
			assert.ok("certificateId" in was && "certificateId" in is);
			assert.deepEqual(is.inForce, [was.certificateId]);
			assert.notEqual(is.certificateId, was.certificateId);
		}
		const again = await run(list, undefined, { renew: true });
		assert.deepEqual(
			again,
			renewed.map((one) => ({ ...one, issued: false })),
		);
		for (const [at, { name }] of list.entries())
			assert.equal(
				(await stores.certificates.ofThing(name)).length,
				at % 2 === 0 ? 1 : 2,
			);
	});

	for (const at of [1, 2, 3]) {
		it(`renewed, cut off after ${at} and renewed again, makes one for each`, async () => {
			const list = [..."abcdeh"].map((name) => ({ name, csr: null }));
			await run(list);
			for (const { name } of list)
				rmSync(join(dir, "things", name, "private.pem"));
			let done = 0;
			const cut = run(
				list,
				() => {
					done++;
					stores.failing = done >= at;
				},
				{ renew: true },
			);
			await assert.rejects(cut, StoreError);
			stores.failing = false;
			await run(list, undefined, { renew: true });
			for (const { name } of list) {
				assert.equal((await stores.certificates.ofThing(name)).length, 2);
				assert.ok(existsSync(join(dir, "things", name, "private.pem")));
			}
		});
	}

	it("makes nothing for things that have exchanged their certificates, and says which those are", async () => {
		const list = [...rows(), { name: "g", csr: null }];
		const first = await run(list);
		const exchanged: string[] = [];
		for (const one of first) {
			assert.ok("certificateId" in one);
			const certificateId = one.certificateId.replaceAll(/[0-7]/g, "f");
			exchanged.push(certificateId);
			await stores.certificates.revoke(one.certificateId);
			await stores.certificates.add({
				certificateId,
				thing: one.thing,
				status: "ACTIVE",
				createdMs: 1,
			});
		}
		const again = await run(list);
		assert.deepEqual(
			again,
			first.map(({ thing }, at) => ({
				thing,
				issued: false,
				inForce: [exchanged[at]],
			})),
		);
		for (const { name } of list)
			assert.equal((await stores.certificates.ofThing(name)).length, 2);
	});

	it("goes on with the others where the cloud has no answer for one, and ends where it has none for any", async () => {
		const failing = (fails: (thing: string) => boolean): ThingRegistry => ({
			authorityPem: registry.authorityPem,
			register: async (thing) => {
				if (fails(thing)) throw new RegistryError("unavailable", "Throttled.");
				await registry.register(thing);
			},
			issue: (thing, request) => registry.issue(thing, request),
			adopt: (thing, certificate) => registry.adopt(thing, certificate),
			inForce: (thing) => registry.inForce(thing),
			revoke: (thing) => registry.revoke(thing),
		});
		const outcomes = await run(rows(), undefined, {
			of: failing((thing) => thing === "c"),
		});
		assert.deepEqual(
			outcomes.filter((one) => "error" in one),
			[{ thing: "c", error: "Throttled.", again: true }],
		);
		assert.equal(outcomes.length, 6);
		const many = Array.from({ length: 40 }, (_, n) => ({ name: `n${n}`, csr }));
		const none = failing(() => true);
		await assert.rejects(run(many, undefined, { of: none }), RegistryError);
	});

	it("tells which request is bad, and provisions the others", async () => {
		const outcomes = await run([
			...rows(),
			{ name: "f", csr: "no request" },
			{ name: "g", csr: null },
		]);
		assert.deepEqual(
			outcomes.filter((one) => "error" in one).map(({ thing }) => thing),
			["f"],
		);
		assert.equal(await stores.devices.get("f"), null);
		assert.ok(existsSync(join(dir, "things", "g", "private.pem")));
	});
});
