import assert from "node:assert/strict";
import {
	CLAIM_CLIENT_PREFIX,
	CREATE_FROM_CSR_TOPIC,
	CREATE_KEYS_TOPIC,
	PROVISION_TOPIC,
} from "../../../protocol/provisioning.ts";
import { memoryClaims } from "../fakes/memory-claims.ts";
import { memoryPendingCertificates } from "../fakes/memory-pending-certificates.ts";
import { type MemoryStores, memoryStores } from "../fakes/memory-stores.ts";
import { StoreError } from "../ports.ts";
import { RegistryError } from "../thing-registry.ts";
import {
	type ProvisioningLogEntry,
	ProvisioningService,
	TOKEN_LIFETIME_MS,
} from "./provisioning-service.ts";

interface Answer {
	readonly topic: string;
	// biome-ignore lint/suspicious/noExplicitAny: each document has members of its own
	readonly document: any;
}

const CSR = "-----BEGIN CERTIFICATE REQUEST-----";
const CLAIM_ID = "c".repeat(64);

class TestCloud {
	nowMs = 1_000_000;
	readonly stores: MemoryStores = memoryStores();
	readonly claims = memoryClaims();
	readonly log: ProvisioningLogEntry[] = [];
	/** Keys that wait to be made. */
	readonly keys: (() => void)[] = [];
	#made = 0;
	readonly service = new ProvisioningService({
		certificates: {
			sign: async (request) => {
				if (!request.startsWith(CSR)) {
					throw new RegistryError("bad_request", "That is no request.");
				}
				return this.#certificate();
			},
			make: async () => {
				await new Promise<void>((resolve) => this.keys.push(resolve));
				return { ...this.#certificate(), privateKey: "a key" };
			},
		},
		pending: memoryPendingCertificates(this.stores.certificates),
		rotations: { sinceMs: async () => null },
		claims: this.claims,
		devices: this.stores.devices,
		inForce: this.stores.certificates,
		clock: { nowMs: () => this.nowMs },
		makeToken: () => `token-${this.#made}`,
		hash: (token) => `hash of ${token}`,
		log: (entry) => this.log.push(entry),
	});

	#certificate() {
		this.#made++;
		return {
			certificateId: `id-${this.#made}`,
			certificatePem: `pem ${this.#made}`,
		};
	}

	/** @param thing null for the holder of a claim certificate */
	async ask(
		topic: string,
		payload: unknown,
		thing: string | null = null,
		clientId = thing ?? `${CLAIM_CLIENT_PREFIX}x`,
	): Promise<Answer> {
		const text =
			typeof payload === "string" ? payload : JSON.stringify(payload);
		const certificateId = thing === null ? CLAIM_ID : `old of ${thing}`;
		// No effect where it is there, revoked or not.
		await this.stores.certificates.add({
			certificateId,
			thing,
			status: "ACTIVE",
			createdMs: 0,
		});
		const answers = await this.service.handle({
			thing,
			clientId,
			certificateId,
			topic,
			payload: new TextEncoder().encode(text),
		});
		assert.equal(answers.length, 1);
		const [{ topic: answered, payload: bytes } = assert.fail()] = answers;
		return {
			topic: answered,
			document: JSON.parse(new TextDecoder().decode(bytes)),
		};
	}

	async token(): Promise<string> {
		const { document } = await this.ask(CREATE_FROM_CSR_TOPIC, {
			certificateSigningRequest: CSR,
		});
		return document.certificateOwnershipToken;
	}

	provision(
		certificateOwnershipToken: unknown,
		name: unknown,
		thing: string | null = null,
	): Promise<Answer> {
		return this.ask(
			PROVISION_TOPIC,
			{ certificateOwnershipToken, parameters: { ThingName: name } },
			thing,
		);
	}
}

function assertRejected(
	{ topic, document }: Answer,
	asked: string,
	statusCode: number,
	errorCode: string,
): void {
	assert.equal(topic, `${asked}/rejected`);
	assert.deepEqual(Object.keys(document), [
		"statusCode",
		"errorCode",
		"errorMessage",
	]);
	assert.deepEqual(
		[document.statusCode, document.errorCode],
		[statusCode, errorCode],
	);
	assert.ok(document.errorMessage.length > 0);
}

describe("fleet provisioning", () => {
	let cloud: TestCloud;

	beforeEach(() => {
		cloud = new TestCloud();
	});

	it("answers its own topics alone", () => {
		for (const topic of [
			CREATE_FROM_CSR_TOPIC,
			CREATE_KEYS_TOPIC,
			PROVISION_TOPIC,
		]) {
			assert.ok(cloud.service.answers(topic));
			assert.ok(!cloud.service.answers(`${topic}/accepted`));
		}
		assert.ok(!cloud.service.answers("$aws/certificates/create/cbor"));
		assert.ok(
			!cloud.service.answers(
				"$aws/provisioning-templates/another/provision/json",
			),
		);
	});

	it("gives a certificate for a request, with a token, and not in force", async () => {
		const answer = await cloud.ask(CREATE_FROM_CSR_TOPIC, {
			certificateSigningRequest: CSR,
		});
		assert.deepEqual(answer, {
			topic: `${CREATE_FROM_CSR_TOPIC}/accepted`,
			document: {
				certificateId: "id-1",
				certificatePem: "pem 1",
				certificateOwnershipToken: "token-1",
			},
		});
		assert.equal(await cloud.stores.certificates.get("id-1"), null);
	});

	for (const payload of ["{}", ""]) {
		it(`makes a key where ${payload === "" ? "nothing" : payload} asks for one`, async () => {
			const answer = cloud.ask(CREATE_KEYS_TOPIC, payload);
			await untilWaiting(cloud, 1);
			cloud.keys.shift()?.();
			assert.deepEqual(await answer, {
				topic: `${CREATE_KEYS_TOPIC}/accepted`,
				document: {
					certificateId: "id-1",
					certificatePem: "pem 1",
					privateKey: "a key",
					certificateOwnershipToken: "token-1",
				},
			});
		});
	}

	it("makes one key at a time, and turns away whom it would keep waiting long", async () => {
		const waiting = Array.from({ length: 50 }, () =>
			cloud.ask(CREATE_KEYS_TOPIC, {}),
		);
		await untilWaiting(cloud, 1);
		const late = await cloud.ask(CREATE_KEYS_TOPIC, {});
		assertRejected(late, CREATE_KEYS_TOPIC, 429, "TooManyRequests");
		for (const one of waiting) {
			await untilWaiting(cloud, 1);
			assert.equal(cloud.keys.length, 1);
			cloud.keys.shift()?.();
			await one;
		}
		const again = cloud.ask(CREATE_KEYS_TOPIC, {});
		await untilWaiting(cloud, 1);
		cloud.keys.shift()?.();
		assert.equal((await again).topic, `${CREATE_KEYS_TOPIC}/accepted`);
	});

	it("makes a thing of who has the token, where that was allowed, and puts its certificate into force", async () => {
		await cloud.claims.allow("porch", 1);
		const token = await cloud.token();
		assert.deepEqual(await cloud.provision(token, "porch"), {
			topic: `${PROVISION_TOPIC}/accepted`,
			document: { deviceConfiguration: {}, thingName: "porch" },
		});
		assert.deepEqual(await cloud.stores.certificates.get("id-1"), {
			certificateId: "id-1",
			thing: "porch",
			status: "ACTIVE",
			createdMs: cloud.nowMs,
		});
		assert.equal((await cloud.stores.devices.get("porch"))?.name, "porch");
		assert.deepEqual(
			cloud.log.map(({ event, name }) => [event, name]),
			[["provisioned", "porch"]],
		);
	});

	it("takes a token once", async () => {
		for (const name of ["porch", "attic"]) await cloud.claims.allow(name, 1);
		const token = await cloud.token();
		await cloud.provision(token, "porch");
		const again = await cloud.provision(token, "attic");
		assertRejected(
			again,
			PROVISION_TOPIC,
			400,
			"InvalidCertificateOwnershipToken",
		);
		assert.deepEqual(await cloud.stores.certificates.ofThing("attic"), []);
		// The name was not used up.
		assert.equal((await cloud.claims.get("attic"))?.claimedMs, null);
	});

	it("takes a token once, also of several who have it at the same time", async () => {
		const names = ["a", "b", "c", "d"];
		for (const name of names) await cloud.claims.allow(name, 1);
		const token = await cloud.token();
		const answers = await Promise.all(
			names.map((name) => cloud.provision(token, name)),
		);
		const accepted = answers.filter(({ topic }) => topic.endsWith("/accepted"));
		assert.equal(accepted.length, 1);
		assert.equal(
			(await cloud.stores.certificates.get("id-1"))?.thing,
			accepted[0]?.document.thingName,
		);
	});

	it("takes a token for an hour", async () => {
		await cloud.claims.allow("porch", 1);
		const [first, second] = [await cloud.token(), await cloud.token()];
		cloud.nowMs += TOKEN_LIFETIME_MS - 1;
		const inTime = await cloud.provision(first, "porch");
		assert.equal(inTime.topic, `${PROVISION_TOPIC}/accepted`);
		cloud.nowMs += 1;
		assertRejected(
			await cloud.provision(second, "porch"),
			PROVISION_TOPIC,
			400,
			"InvalidCertificateOwnershipToken",
		);
	});

	it("makes a thing of nobody who was not allowed to, and leaves the token good", async () => {
		const token = await cloud.token();
		const refused = await cloud.provision(token, "porch");
		assertRejected(refused, PROVISION_TOPIC, 403, "AccessDenied");
		assert.equal(await cloud.stores.devices.get("porch"), null);
		assert.equal(await cloud.stores.certificates.get("id-1"), null);
		assert.equal(cloud.log[0]?.reason, "not_allowed");
		await cloud.claims.allow("porch", 1);
		const allowed = await cloud.provision(token, "porch");
		assert.equal(allowed.topic, `${PROVISION_TOPIC}/accepted`);
	});

	it("says no more of a name that was claimed than of one that is not there", async () => {
		await cloud.claims.allow("porch", 1);
		await cloud.provision(await cloud.token(), "porch");
		cloud.nowMs += 16 * 60_000;
		const token = await cloud.token();
		assert.deepEqual(
			await cloud.provision(token, "porch"),
			await cloud.provision(token, "attic"),
		);
	});

	it("lets a device that did not hear the answer ask anew, and leaves the last certificate alone in force", async () => {
		await cloud.claims.allow("porch", 1);
		for (const minutes of [7, 7, 0]) {
			const answer = await cloud.provision(await cloud.token(), "porch");
			assert.equal(answer.topic, `${PROVISION_TOPIC}/accepted`);
			cloud.nowMs += minutes * 60_000;
		}
		const all = await cloud.stores.certificates.ofThing("porch");
		assert.deepEqual(
			all.map(({ certificateId, status }) => [certificateId, status]).sort(),
			[
				["id-1", "REVOKED"],
				["id-2", "REVOKED"],
				["id-3", "ACTIVE"],
			],
		);
	});

	it("leaves a certificate in force that a thing had before its name was claimed", async () => {
		await cloud.stores.certificates.add({
			certificateId: "old",
			thing: "porch",
			status: "ACTIVE",
			createdMs: cloud.nowMs - 1,
		});
		await cloud.claims.allow("porch", 1);
		await cloud.provision(await cloud.token(), "porch");
		const old = await cloud.stores.certificates.get("old");
		assert.equal(old?.status, "ACTIVE");
	});

	it("makes the thing of nobody else once it has connected", async () => {
		await cloud.claims.allow("porch", 1);
		await cloud.provision(await cloud.token(), "porch");
		await cloud.stores.devices.update("porch", {
			online: true,
			lastSeenMs: cloud.nowMs + 5,
		});
		cloud.nowMs += 10;
		const late = await cloud.provision(await cloud.token(), "porch");
		assertRejected(late, PROVISION_TOPIC, 403, "AccessDenied");
		assert.equal(
			(await cloud.stores.certificates.get("id-1"))?.status,
			"ACTIVE",
		);
	});

	it("puts right at the next request what a failure of the store left in force", async () => {
		await cloud.claims.allow("porch", 1);
		await cloud.provision(await cloud.token(), "porch");
		const { certificates } = cloud.stores;
		const revoke = certificates.revoke.bind(certificates);
		const token = await cloud.token();
		certificates.revoke = async () => {
			throw new StoreError("unavailable", "No disk.");
		};
		await assert.rejects(cloud.provision(token, "porch"), StoreError);
		certificates.revoke = revoke;
		await cloud.provision(await cloud.token(), "porch");
		const all = await certificates.ofThing("porch");
		assert.deepEqual(
			all
				.filter(({ status }) => status === "ACTIVE")
				.map((one) => one.certificateId),
			["id-3"],
		);
	});

	it("gives a thing that was allowed to a certificate in place of the one that it asks with", async () => {
		await cloud.claims.allow("porch", 1);
		const token = await cloud.token();
		const answer = await cloud.provision(token, "porch", "porch");
		assert.equal(answer.topic, `${PROVISION_TOPIC}/accepted`);
		const certificate = await cloud.stores.certificates.get("id-1");
		assert.equal(certificate?.replaces, "old of porch");
	});

	it("gives a thing ten in place of the one that it asks with, and no more within a quarter of an hour", async () => {
		const exchange = async () => {
			await cloud.claims.allow("porch", cloud.nowMs);
			return cloud.provision(await cloud.token(), "porch", "porch");
		};
		for (let n = 0; n < 10; n++)
			assert.equal((await exchange()).topic, `${PROVISION_TOPIC}/accepted`);
		assertRejected(await exchange(), PROVISION_TOPIC, 429, "TooManyRequests");
		cloud.nowMs += 15 * 60_000;
		assert.equal((await exchange()).topic, `${PROVISION_TOPIC}/accepted`);
	});

	it("puts nothing into force for who is connected by a certificate that goes while it is asked for", async () => {
		await cloud.claims.allow("porch", 1);
		const token = await cloud.token();
		const { devices, certificates } = cloud.stores;
		const create = devices.create.bind(devices);
		devices.create = async (name, nowMs) => {
			await certificates.revoke("old of porch");
			return create(name, nowMs);
		};
		assertRejected(
			await cloud.provision(token, "porch", "porch"),
			PROVISION_TOPIC,
			403,
			"AccessDenied",
		);
		const known = await certificates.ofThing("porch");
		assert.deepEqual(
			known.map(({ status }) => status),
			["REVOKED"],
		);
	});

	for (const thing of [null, "porch"]) {
		const who = thing === null ? "a claim" : "a thing";
		it(`gives ${who} nothing whose certificate was revoked while it is connected`, async () => {
			const name = "porch";
			await cloud.claims.allow(name, 1);
			const request = { certificateSigningRequest: CSR };
			const answer = await cloud.ask(CREATE_FROM_CSR_TOPIC, request, thing);
			const token = answer.document.certificateOwnershipToken;
			await cloud.stores.certificates.revoke(
				thing === null ? CLAIM_ID : `old of ${thing}`,
			);
			for (const [topic, payload] of [
				[CREATE_FROM_CSR_TOPIC, request],
				[CREATE_KEYS_TOPIC, {}],
			] as const)
				assertRejected(
					await cloud.ask(topic, payload, thing),
					topic,
					403,
					"AccessDenied",
				);
			assertRejected(
				await cloud.provision(token, name, thing),
				PROVISION_TOPIC,
				403,
				"AccessDenied",
			);
			assert.equal((await cloud.claims.get(name))?.claimedMs, null);
			assert.equal(cloud.log.length, 3);
			for (const { event, reason } of cloud.log)
				assert.deepEqual([event, reason], ["refused", "revoked_certificate"]);
		});
	}

	it("gives a thing none that was not allowed to, and none of another name", async () => {
		await cloud.claims.allow("attic", 1);
		const token = await cloud.token();
		for (const name of ["porch", "attic"]) {
			const answer = await cloud.provision(token, name, "porch");
			assertRejected(answer, PROVISION_TOPIC, 403, "AccessDenied");
		}
		assert.deepEqual(
			cloud.log.map(({ reason }) => reason),
			["not_allowed", "not_own_name"],
		);
	});

	for (const [what, csr] of [
		["none", undefined],
		["a number", 7],
		["an empty one", ""],
		["what is none", "hello"],
		["one that is too long", `${CSR}${"x".repeat(4096)}`],
	] as const) {
		it(`signs nothing for ${what} as request`, async () => {
			const answer = await cloud.ask(CREATE_FROM_CSR_TOPIC, {
				certificateSigningRequest: csr,
			});
			assertRejected(
				answer,
				CREATE_FROM_CSR_TOPIC,
				400,
				"InvalidCertificateSigningRequest",
			);
		});
	}

	for (const topic of [
		CREATE_FROM_CSR_TOPIC,
		CREATE_KEYS_TOPIC,
		PROVISION_TOPIC,
	]) {
		for (const payload of ["no JSON", "[]", "null", '"text"', "{"]) {
			it(`rejects ${payload} on ${topic}`, async () => {
				const answer = await cloud.ask(topic, payload);
				assertRejected(answer, topic, 400, "InvalidPayload");
			});
		}
	}

	for (const [what, parameters] of [
		["none", undefined],
		["a list", ["porch"]],
		["no name among them", { Serial: "7" }],
		["a name that is no text", { ThingName: 7 }],
		["another that is no text", { ThingName: "porch", Serial: 7 }],
	] as const) {
		it(`provisions nothing with ${what} for parameters`, async () => {
			await cloud.claims.allow("porch", 1);
			const answer = await cloud.ask(PROVISION_TOPIC, {
				certificateOwnershipToken: await cloud.token(),
				parameters,
			});
			assertRejected(answer, PROVISION_TOPIC, 400, "InvalidParameters");
			assert.equal((await cloud.claims.get("porch"))?.claimedMs, null);
		});
	}

	for (const token of [undefined, 7, "", "token-9", "hash of token-1"]) {
		it(`provisions nothing with ${JSON.stringify(token)} for a token`, async () => {
			await cloud.claims.allow("porch", 1);
			await cloud.token();
			assertRejected(
				await cloud.provision(token, "porch"),
				PROVISION_TOPIC,
				400,
				"InvalidCertificateOwnershipToken",
			);
			assert.equal((await cloud.claims.get("porch"))?.claimedMs, null);
		});
	}

	it("answers nothing when a store fails, so that it is asked again, and can then do it", async () => {
		await cloud.claims.allow("porch", 1);
		const token = await cloud.token();
		cloud.stores.failing = true;
		await assert.rejects(cloud.provision(token, "porch"), StoreError);
		cloud.stores.failing = false;
		const again = await cloud.provision(token, "porch");
		assert.equal(again.topic, `${PROVISION_TOPIC}/accepted`);
	});
});

async function untilWaiting(cloud: TestCloud, count: number): Promise<void> {
	while (cloud.keys.length < count) {
		await new Promise((resolve) => setImmediate(resolve));
	}
}
