import assert from "node:assert/strict";
import { memoryClaims } from "../core/fakes/memory-claims.ts";
import { memoryReplacements } from "../core/fakes/memory-replacements.ts";
import {
	type MemoryStores,
	memoryStores,
} from "../core/fakes/memory-stores.ts";
import { StoreError } from "../core/ports.ts";
import { claimOf, retirementBy } from "../core/replacements.ts";
import { provisioningRequest } from "./fakes/events.ts";
import { type MemoryLog, memoryLog } from "./fakes/memory-log.ts";
import { provisioningHookHandler } from "./provisioning-hook.ts";

const NOW = 1_790_000_000_000;

describe("The pre-provisioning hook", () => {
	const claims = memoryClaims();
	let replacements: ReturnType<typeof memoryReplacements>;
	/** Things that have a job `rotate` to do, since when. */
	const rotating = new Map<string, number>();
	let stores: MemoryStores;
	let log: MemoryLog;
	let run: ReturnType<typeof provisioningHookHandler>;

	beforeEach(async () => {
		stores = memoryStores();
		replacements = memoryReplacements();
		log = memoryLog();
		const clock = { nowMs: () => NOW };
		run = provisioningHookHandler({
			claims,
			rotations: { sinceMs: async (thing) => rotating.get(thing) ?? null },
			devices: stores.devices,
			replacements,
			clock,
			log,
		});
		await claims.allow("boiler", NOW - 1000);
	});

	it("lets a node in that has been allowed, and makes a device of it", async () => {
		const answer = await run(provisioningRequest({ ThingName: "boiler" }));
		assert.deepEqual(answer, { allowProvisioning: true });
		assert.equal((await stores.devices.get("boiler"))?.createdMs, NOW);
	});

	it("notes of a thing that asks by itself which certificate goes, and of a claim that it is one", async () => {
		const request = provisioningRequest({ ThingName: "boiler" });
		await run(request);
		const noted = await replacements.get(request.certificateId);
		assert.equal(noted?.replaces, claimOf("boiler", NOW));
		const { claimCertificateId: replaces, certificateId } = request;
		await run({ ...request, clientId: "boiler" });
		assert.deepEqual(await replacements.get(certificateId), {
			certificateId,
			thing: "boiler",
			replaces,
		});
	});

	it("lets a thing exchange its certificate that has a job to, and no other", async () => {
		const asks = (thing: string) =>
			run({ ...provisioningRequest({ ThingName: thing }), clientId: thing });
		assert.deepEqual(await asks("shed"), { allowProvisioning: false });
		rotating.set("shed", NOW - 10);
		assert.deepEqual(await asks("shed"), { allowProvisioning: true });
		assert.deepEqual(await asks("roof"), { allowProvisioning: false });
	});

	it("leaves a device as it is that is there already", async () => {
		await stores.devices.create("boiler", 5);
		await run(provisioningRequest({ ThingName: "boiler" }));
		assert.equal((await stores.devices.get("boiler"))?.createdMs, 5);
	});

	for (const [what, parameters, code] of [
		["that nobody has allowed", { ThingName: "roof" }, "not_allowed"],
		["without a name", {}, "bad_name"],
		["with a name that is none", { ThingName: "../x" }, "bad_name"],
		["with a list for a name", { ThingName: ["boiler"] }, "bad_name"],
		["without parameters", undefined, "bad_name"],
	] as const) {
		it(`refuses a node ${what}, says so in the log, and makes no device`, async () => {
			const answer = await run(provisioningRequest(parameters));
			assert.deepEqual(answer, { allowProvisioning: false });
			const [line] = log.of("provisioning_refused");
			assert.equal(line?.code, code);
			assert.match(String(line?.claimCertificateId), /^[0-9a-f]{64}$/);
			assert.deepEqual(await stores.devices.list(), []);
		});
	}

	it("lets a thing ask under its own name, and under no other that may be claimed", async () => {
		const asked = { ThingName: "boiler" };
		const stranger = await run(provisioningRequest(asked, "roof"));
		assert.deepEqual(stranger, { allowProvisioning: false });
		const [line] = log.of("provisioning_refused");
		assert.equal(line?.code, "not_own_name");
		assert.equal((await claims.get("boiler"))?.claimedMs, null);
		const itself = await run(provisioningRequest(asked, "boiler"));
		assert.deepEqual(itself, { allowProvisioning: true });
	});

	it("lets a name be claimed once more until its thing has connected, and one of the two certificates go then", async () => {
		const again = (certificateId: string) =>
			run({ ...provisioningRequest({ ThingName: "boiler" }), certificateId });
		const [first, second] = ["6".repeat(64), "7".repeat(64)] as const;
		await again(first);
		assert.deepEqual(await again(second), { allowProvisioning: true });
		for (const [used, other] of [
			[first, second],
			[second, first],
		] as const) {
			const retired = await retirementBy(replacements, "boiler", used);
			assert.deepEqual(retired, [other]);
		}
		await stores.devices.update("boiler", { lastSeenMs: NOW });
		assert.deepEqual(await again("8".repeat(64)), { allowProvisioning: false });
	});

	it("lets nobody have another in place of a certificate whose successor has been used, nor more than ten in a quarter of an hour", async () => {
		rotating.set("shed", NOW - 10);
		const request = {
			...provisioningRequest({ ThingName: "shed" }),
			clientId: "shed",
		};
		const { claimCertificateId } = request;
		for (let n = 0; n < 10; n++) {
			const certificateId = `${n}`.repeat(64);
			const answer = await run({ ...request, certificateId });
			assert.deepEqual(answer, { allowProvisioning: true });
		}
		const refusals = () =>
			log.of("provisioning_refused").map(({ code }) => code);
		await run({ ...request, certificateId: "a".repeat(64) });
		assert.deepEqual(refusals(), ["too_many"]);
		const successors = await replacements.successorsOf(claimCertificateId);
		assert.equal(successors.length, 10);
		const other = { ...request, claimCertificateId: "c".repeat(64) };
		await run({ ...other, certificateId: "d".repeat(64) });
		await replacements.settle(other.claimCertificateId, "d".repeat(64), NOW);
		const late = await run({ ...other, certificateId: "e".repeat(64) });
		assert.deepEqual(late, { allowProvisioning: false });
		assert.deepEqual(refusals(), ["too_many", "replaced"]);
	});

	it("fails, so that the node is refused for now, when the store does", async () => {
		stores.failing = true;
		await assert.rejects(
			run(provisioningRequest({ ThingName: "boiler" })),
			StoreError,
		);
	});
});
