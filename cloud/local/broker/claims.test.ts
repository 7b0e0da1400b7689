/** Holders of claim certificates, and things that exchange their certificates. */
import assert from "node:assert/strict";
import {
	CLAIM_CLIENT_PREFIX,
	CREATE_FROM_CSR_TOPIC,
	PROVISIONING_ANSWERS,
	PROVISIONING_REQUESTS,
} from "../../../protocol/provisioning.ts";
import { blockTopic, eventTopic, liveTopic } from "../../../protocol/topics.ts";
import type {
	DeviceMessage,
	DeviceRequest,
	ReservedService,
} from "../../core/reserved-topics.ts";
import { type ClientIdentity, TestAuthority } from "./fakes/certificates.ts";
import type { RawClient } from "./fakes/raw-client.ts";
import { TestBroker } from "./fakes/test-broker.ts";

class ProvisioningFake implements ReservedService {
	readonly requests: DeviceRequest[] = [];
	#gate: Promise<void> = Promise.resolve();
	#onRequest: (() => void) | null = null;

	answers(topic: string): boolean {
		return PROVISIONING_REQUESTS.includes(topic);
	}

	async handle(request: DeviceRequest): Promise<readonly DeviceMessage[]> {
		this.requests.push(request);
		this.#onRequest?.();
		await this.#gate;
		const { topic, payload } = request;
		return [{ topic: `${topic}/accepted`, payload: Uint8Array.from(payload) }];
	}

	/** Keeps requests waiting. @returns what lets them go on */
	hold(): () => void {
		let open: (() => void) | undefined;
		this.#gate = new Promise((resolve) => {
			open = resolve;
		});
		return () => open?.();
	}

	async whenAsked(): Promise<void> {
		while (this.requests.length === 0) {
			await new Promise<void>((resolve) => {
				this.#onRequest = resolve;
			});
		}
	}
}

describe("holders of a claim certificate", () => {
	const clientId = `${CLAIM_CLIENT_PREFIX}1`;
	let authority: TestAuthority;
	let test: TestBroker;
	let service: ProvisioningFake;
	let claim: ClientIdentity;

	before(async () => {
		authority = await TestAuthority.make();
		claim = await authority.issue("ThingHz claim");
	});
	beforeEach(async () => {
		service = new ProvisioningFake();
		test = await TestBroker.start(authority, {
			services: [service],
			limits: { recheckMs: 20 },
		});
		await test.certificates.add({
			certificateId: claim.certificateId,
			thing: null,
			status: "ACTIVE",
			createdMs: 0,
		});
	});
	afterEach(() => test.broker.close());
	after(() => authority.remove());

	async function connected(id = clientId): Promise<RawClient> {
		const client = await test.open(claim);
		assert.equal(await client.connect(id), 0);
		return client;
	}

	async function granted(
		client: RawClient,
		...filters: readonly string[]
	): Promise<readonly number[]> {
		client.send({
			cmd: "subscribe",
			messageId: 1,
			subscriptions: filters.map((topic) => ({ topic, qos: 1 as const })),
		});
		const suback = await client.next("suback");
		return (suback?.granted ?? []) as readonly number[];
	}

	it("ask as no thing, and are answered each by itself", async () => {
		const [one, two] = [
			await connected(),
			await connected(`${CLAIM_CLIENT_PREFIX}2`),
		];
		const answer = `${CREATE_FROM_CSR_TOPIC}/accepted`;
		await granted(one, answer);
		await granted(two, answer);
		one.publish(CREATE_FROM_CSR_TOPIC, "one", 7);
		two.publish(CREATE_FROM_CSR_TOPIC, "two", 8);
		assert.equal(String((await one.next("publish"))?.payload), "one");
		assert.equal(String((await two.next("publish"))?.payload), "two");
		const [request] = service.requests;
		assert.equal(request?.thing, null);
		assert.equal(request?.certificateId, claim.certificateId);
		assert.match(request?.clientId ?? "", /^thinghz-claim:/);
	});

	it("are dropped when another comes by the same id, who does not hear what they have asked", async () => {
		const answer = `${CREATE_FROM_CSR_TOPIC}/accepted`;
		const one = await connected();
		await granted(one, answer);
		const open = service.hold();
		one.publish(CREATE_FROM_CSR_TOPIC, "one", 7);
		await service.whenAsked();
		const two = await connected();
		await test.logged({ event: "dropped", reason: "taken_over" });
		await granted(two, answer);
		open();
		two.publish(CREATE_FROM_CSR_TOPIC, "two", 8);
		assert.equal(String((await two.next("publish"))?.payload), "two");
		assert.equal(await one.next("publish"), null);
	});

	it("are no devices: nobody is told of them", async () => {
		const client = await connected();
		await granted(client, ...PROVISIONING_ANSWERS);
		assert.deepEqual(test.presence, []);
		assert.equal(test.broker.stats.connections, 0);
	});

	for (const id of ["node-1", "claim:1", ""]) {
		it(`are not let in as "${id}"`, async () => {
			const client = await test.open(claim);
			assert.notEqual(await client.connect(id), 0);
		});
	}

	it("may subscribe to the answers and to nothing else", async () => {
		const client = await connected();
		assert.deepEqual(
			await granted(client, ...PROVISIONING_ANSWERS),
			PROVISIONING_ANSWERS.map(() => 1),
		);
		const others = [
			"#",
			"+/#",
			"$aws/#",
			"$aws/certificates/#",
			"$aws/things/node-1/shadow/#",
			`$aws/things/${clientId}/shadow/get/accepted`,
			`thinghz/${clientId}/x`,
			"thinghz/node-1/live",
		];
		assert.deepEqual(
			await granted(client, ...others),
			others.map(() => 128),
		);
	});

	for (const topic of [
		blockTopic("node-1"),
		eventTopic("node-1"),
		liveTopic("node-1"),
		blockTopic(clientId),
		`thinghz/${clientId}/x`,
		"$aws/things/node-1/shadow/update",
		`$aws/things/${clientId}/shadow/update`,
		"$aws/certificates/create-from-csr/json/accepted",
		"$aws/certificates/create-from-csr/cbor",
		"$aws/provisioning-templates/other/provision/json",
		"hello",
	]) {
		it(`are dropped when they publish to ${topic}`, async () => {
			const client = await connected();
			client.publish(topic, "{}", 7);
			await test.logged({ event: "dropped", reason: "forbidden_publish" });
			assert.deepEqual(test.ingest.messages, []);
			assert.deepEqual(service.requests, []);
		});
	}

	it("are dropped once their certificate is revoked, and not let in again", async () => {
		await connected();
		await test.certificates.revoke(claim.certificateId);
		await test.logged({ event: "dropped", reason: "revoked_certificate" });
		const again = await test.open(claim);
		assert.equal(await again.connect(clientId), 5);
	});

	describe("a thing with a new certificate", () => {
		let next: ClientIdentity;

		beforeEach(async () => {
			const old = await test.provision("node-1");
			next = await authority.issue("ThingHz device");
			await test.certificates.add({
				certificateId: next.certificateId,
				thing: "node-1",
				status: "ACTIVE",
				createdMs: 1,
				replaces: old.certificateId,
			});
		});

		/** CONNACK is written a moment before the broker takes it for connected. */
		async function letIn(client: RawClient): Promise<void> {
			client.send({ cmd: "pingreq" });
			await client.next("pingresp");
		}

		const statuses = async () =>
			(await test.certificates.ofThing("node-1")).map(({ status }) => status);

		it("keeps the old one until it has connected with the new one", async () => {
			assert.deepEqual(await statuses(), ["ACTIVE", "ACTIVE"]);
			const client = await test.open(next);
			assert.deepEqual(await statuses(), ["ACTIVE", "ACTIVE"]);
			assert.equal(await client.connect("node-1"), 0);
			await letIn(client);
			await test.broker.close();
			assert.deepEqual(await statuses(), ["REVOKED", "ACTIVE"]);
		});

		it("keeps the old one when it is not let in with the new one", async () => {
			const client = await test.open(next);
			assert.notEqual(await client.connect("node-2"), 0);
			await test.broker.close();
			assert.deepEqual(await statuses(), ["ACTIVE", "ACTIVE"]);
		});

		it("has what else was given out in the old one's place revoked as well, and nothing that comes after it", async () => {
			const add = (certificateId: string, replaces: string) =>
				test.certificates.add({
					certificateId,
					thing: "node-1",
					status: "ACTIVE",
					createdMs: 2,
					replaces,
				});
			const [old] = await test.certificates.ofThing("node-1");
			await add("d".repeat(64), old?.certificateId ?? "");
			await add("e".repeat(64), next.certificateId);
			const client = await test.open(next);
			assert.equal(await client.connect("node-1"), 0);
			await letIn(client);
			await test.broker.close();
			assert.deepEqual(await statuses(), [
				"REVOKED",
				"ACTIVE",
				"REVOKED",
				"ACTIVE",
			]);
		});

		it("stays alone of two that are used at the same time, and the other is dropped", async () => {
			const [old] = await test.certificates.ofThing("node-1");
			const other = await authority.issue("ThingHz device");
			await test.certificates.add({
				certificateId: other.certificateId,
				thing: "node-1",
				status: "ACTIVE",
				createdMs: 2,
				replaces: old?.certificateId ?? "",
			});
			// Both are let in before it is the turn of either.
			let goOn: () => void = () => undefined;
			const held = new Promise<void>((resolve) => {
				goOn = resolve;
			});
			const { certificates } = test;
			const ofThing = certificates.ofThing.bind(certificates);
			certificates.ofThing = async (thing) => {
				await held;
				return ofThing(thing);
			};
			const clients = [await test.open(next), await test.open(other)];
			for (const client of clients) {
				assert.equal(await client.connect("node-1"), 0);
				await letIn(client);
			}
			goOn();
			await clients[1]?.closed;
			await test.broker.close();
			assert.deepEqual(await statuses(), ["REVOKED", "ACTIVE", "REVOKED"]);
		});

		it("has the old one revoked at the next connection when that failed", async () => {
			const { certificates } = test;
			const revoke = certificates.revoke.bind(certificates);
			certificates.revoke = async () => {
				throw new Error("the disk is full");
			};
			const client = await test.open(next);
			assert.equal(await client.connect("node-1"), 0);
			await test.logged({ event: "failed", reason: "retire_failed" });
			assert.deepEqual(await statuses(), ["ACTIVE", "ACTIVE"]);
			certificates.revoke = revoke;
			const again = await test.open(next);
			assert.equal(await again.connect("node-1"), 0);
			await letIn(again);
			await test.broker.close();
			assert.deepEqual(await statuses(), ["REVOKED", "ACTIVE"]);
		});
	});
});
