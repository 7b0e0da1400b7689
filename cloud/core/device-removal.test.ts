import assert from "node:assert/strict";
import { allowRotation } from "./claims.ts";
import { certificateRemover, DeviceRemoval } from "./device-removal.ts";
import { UnknownDevice } from "./errors.ts";
import { memoryClaims } from "./fakes/memory-claims.ts";
import { memoryGrants } from "./fakes/memory-grants.ts";
import { memoryStores } from "./fakes/memory-stores.ts";
import type { DeviceCertificate } from "./ports.ts";

const CERTIFICATE: DeviceCertificate = {
	certificateId: "a".repeat(64),
	thing: "boiler",
	status: "ACTIVE",
	createdMs: 1,
};

describe("A device that is removed", () => {
	/** @param failing the step that fails, once */
	async function setUp(failing = "") {
		const stores = memoryStores();
		const claims = memoryClaims();
		const grants = memoryGrants();
		await stores.devices.create("boiler", 1);
		await stores.devices.create("roof", 1);
		await stores.devices.update("boiler", { tags: { site: "cellar" } });
		await claims.allow("boiler", 1);
		await allowRotation(claims, "boiler", 1);
		await grants.grant("anna", "boiler");
		await grants.grant("anna", "roof");
		const certificates = [
			{ ...CERTIFICATE },
			{ ...CERTIFICATE, certificateId: "b".repeat(64), status: "REVOKED" },
		];
		const steps: string[] = [];
		let left = failing;
		const step = (name: string) => {
			steps.push(name);
			if (name !== left) return;
			left = "";
			throw new Error("no answer");
		};
		const rules = new Map([
			["1", { id: "1", device: "boiler" }],
			["2", { id: "2", device: "roof" }],
			["3", { id: "3", device: null }],
		]);
		const removal = new DeviceRemoval({
			devices: {
				get: (name) => stores.devices.get(name),
				async remove(name) {
					step("device");
					await stores.devices.remove(name);
				},
			},
			things: certificateRemover({
				ofThing: async () => certificates as DeviceCertificate[],
				async revoke(id) {
					step("certificate");
					for (const one of certificates)
						if (one.certificateId === id)
							Object.assign(one, { status: "REVOKED" });
				},
			}),
			shadows: { removeThing: async () => step("shadows") },
			logs: { removeThing: async () => step("logs") },
			claims,
			rules: {
				list: async () => [...rules.values()],
				async remove(id) {
					step("rule");
					rules.delete(id);
				},
			},
			grants,
			disconnect: () => step("connection"),
			gone: () => step("gone"),
		});
		return { removal, stores, claims, grants, steps, rules };
	}

	it("goes with all that is its own, its connection after its certificates and itself last", async () => {
		const { removal, stores, claims, grants, steps, rules } = await setUp();
		assert.deepEqual(await removal.remove("boiler"), {
			certificates: [CERTIFICATE.certificateId],
			alertRules: ["1"],
			people: 1,
		});
		assert.deepEqual(steps, [
			"certificate",
			"connection",
			"shadows",
			"logs",
			"rule",
			"device",
			"gone",
		]);
		assert.equal(await stores.devices.get("boiler"), null);
		assert.deepEqual(await claims.list({ limit: 9 }), []);
		assert.deepEqual([...rules.keys()], ["2", "3"]);
		assert.deepEqual(await grants.devicesOf("anna"), ["roof"]);
		assert.notEqual(await stores.devices.get("roof"), null);
	});

	it("is there to be removed again where any step fails", async () => {
		for (const failing of [
			"certificate",
			"shadows",
			"logs",
			"rule",
			"device",
		]) {
			const { removal, stores } = await setUp(failing);
			await assert.rejects(removal.remove("boiler"), /no answer/);
			assert.notEqual(await stores.devices.get("boiler"), null, failing);
			await removal.remove("boiler");
			assert.equal(await stores.devices.get("boiler"), null);
		}
	});

	it("has to be there", async () => {
		const { removal, steps } = await setUp();
		await assert.rejects(removal.remove("nobody"), UnknownDevice);
		assert.deepEqual(steps, []);
	});
});
