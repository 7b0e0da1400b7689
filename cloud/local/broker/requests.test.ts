import assert from "node:assert/strict";
import { StoreError } from "../../core/ports.ts";
import type {
	DeviceMessage,
	DeviceRequest,
	ReservedService,
} from "../../core/reserved-topics.ts";
import { TestAuthority } from "./fakes/certificates.ts";
import type { RawClient } from "./fakes/raw-client.ts";
import { TestBroker } from "./fakes/test-broker.ts";

const REQUEST = "$aws/things/node-1/shadow/get";
const ACCEPTED = `${REQUEST}/accepted`;

/** Answers on `…/accepted` what it was asked, when the test lets it. */
class EchoService implements ReservedService {
	readonly requests: DeviceRequest[] = [];
	#gate: Promise<void> = Promise.resolve();
	failure: Error | null = null;
	#onRequest: (() => void) | null = null;

	answers(topic: string): boolean {
		return /\/shadow\//.test(topic);
	}

	async handle(request: DeviceRequest): Promise<readonly DeviceMessage[]> {
		this.requests.push(request);
		this.#onRequest?.();
		await this.#gate;
		if (this.failure !== null) throw this.failure;
		const { topic, payload } = request;
		return [{ topic: `${topic}/accepted`, payload }];
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

async function subscribe(
	client: RawClient,
	topic: string,
	qos: 0 | 1,
): Promise<void> {
	client.send({
		cmd: "subscribe",
		messageId: 1,
		subscriptions: [{ topic, qos }],
	});
	assert.deepEqual((await client.next("suback"))?.granted, [qos]);
}

describe("requests on reserved topics", () => {
	let authority: TestAuthority;
	let test: TestBroker;
	let service: EchoService;

	before(async () => {
		authority = await TestAuthority.make();
	});
	beforeEach(async () => {
		service = new EchoService();
		test = await TestBroker.start(authority, { services: [service] });
	});
	afterEach(() => test.broker.close());
	after(() => authority.remove());

	it("are given to the service that answers them, with who asks", async () => {
		const client = await test.client("node-1");
		client.publish(REQUEST, "{}", 7);
		assert.equal((await client.next("puback"))?.messageId, 7);
		const [request] = service.requests;
		const [certificate] = await test.certificates.ofThing("node-1");
		assert.deepEqual(
			{ ...request, payload: Buffer.from(request!.payload).toString() },
			{
				thing: "node-1",
				clientId: "node-1",
				certificateId: certificate?.certificateId,
				topic: REQUEST,
				payload: "{}",
			},
		);
		assert.deepEqual(test.ingest.messages, []);
	});

	for (const qos of [0, 1] as const) {
		it(`are answered at the QoS ${qos} that was subscribed with`, async () => {
			const client = await test.client("node-1");
			await subscribe(client, ACCEPTED, qos);
			client.publish(REQUEST, "hello");
			const answer = await client.next("publish");
			assert.equal(answer?.topic, ACCEPTED);
			assert.equal(String(answer?.payload), "hello");
			assert.equal(answer?.qos, qos);
			assert.equal(answer?.retain, false);
		});
	}

	it("at QoS 0 are answered, too", async () => {
		const client = await test.client("node-1");
		await subscribe(client, "$aws/things/node-1/shadow/#", 1);
		client.send({
			cmd: "publish",
			topic: REQUEST,
			payload: "",
			qos: 0,
			dup: false,
			retain: false,
		});
		assert.equal((await client.next("publish"))?.topic, ACCEPTED);
	});

	it("are answered once where several filters match", async () => {
		const client = await test.client("node-1");
		await subscribe(client, "$aws/things/node-1/#", 0);
		await subscribe(client, "$aws/things/node-1/shadow/get/+", 1);
		client.publish(REQUEST, "");
		assert.equal((await client.next("publish"))?.qos, 1);
		await client.roundTrip();
		assert.ok(client.received.every(({ cmd }) => cmd !== "publish"));
	});

	it("are answered to one who has sent them right behind the subscription", async () => {
		const client = await test.client("node-1");
		client.send({
			cmd: "subscribe",
			messageId: 1,
			subscriptions: [{ topic: ACCEPTED, qos: 1 }],
		});
		client.publish(REQUEST, "quick", 2);
		assert.equal(String((await client.next("publish"))?.payload), "quick");
	});

	it("are not answered to one who has not subscribed, or no longer", async () => {
		const client = await test.client("node-1");
		await subscribe(client, ACCEPTED, 1);
		client.send({
			cmd: "unsubscribe",
			messageId: 2,
			unsubscriptions: [ACCEPTED],
		});
		await client.next("unsuback");
		client.publish(REQUEST, "");
		await client.next("puback");
		await client.roundTrip();
		assert.deepEqual(client.received, []);
	});

	it("are not shown to whoever has subscribed to the topic of the request", async () => {
		const client = await test.client("node-1");
		await subscribe(client, "$aws/things/node-1/shadow/#", 1);
		client.publish(REQUEST, "");
		await client.next("puback");
		assert.equal((await client.next("publish"))?.topic, ACCEPTED);
		await client.roundTrip();
		assert.deepEqual(client.received, []);
	});

	it("are acknowledged when they have been handled, and not before", async () => {
		const open = service.hold();
		const client = await test.client("node-1");
		client.publish(REQUEST, "");
		await service.whenAsked();
		await client.roundTrip();
		assert.deepEqual(client.received, []);
		open();
		assert.equal((await client.next("puback"))?.messageId, 1);
	});

	it("of one connection are handled one after the other", async () => {
		const open = service.hold();
		const client = await test.client("node-1");
		client.publish(REQUEST, "1", 1);
		client.publish(REQUEST, "2", 2);
		await service.whenAsked();
		await client.roundTrip();
		assert.equal(service.requests.length, 1);
		open();
		assert.equal((await client.next("puback"))?.messageId, 1);
		assert.equal((await client.next("puback"))?.messageId, 2);
		assert.equal(service.requests.length, 2);
	});

	it("whose service fails are not acknowledged: the connection is dropped, and what came behind is not handled", async () => {
		const open = service.hold();
		service.failure = new StoreError("unavailable", "The disk is full.");
		const client = await test.client("node-1");
		client.publish(REQUEST, "1", 1);
		client.publish(REQUEST, "2", 2);
		await client.roundTrip();
		open();
		assert.equal(await client.next("puback"), null);
		const entry = await test.logged({ reason: "store_failed" });
		assert.equal(entry.cause, service.failure);
		assert.equal(service.requests.length, 1);
		assert.equal(test.broker.stats.drops.store_failed, 1);
		assert.equal(test.broker.stats.pendingBytes, 0);
	});

	it("are finished and acknowledged before the broker closes", async () => {
		const open = service.hold();
		const client = await test.client("node-1");
		await subscribe(client, ACCEPTED, 1);
		client.publish(REQUEST, "last", 5);
		await service.whenAsked();
		const closed = test.broker.close();
		open();
		assert.equal(String((await client.next("publish"))?.payload), "last");
		assert.equal((await client.next("puback"))?.messageId, 5);
		await closed;
	});

	it("that no service answers are acknowledged", async () => {
		const client = await test.client("node-1");
		client.publish("$aws/things/node-1/jobs/get", "", 3);
		assert.equal((await client.next("puback"))?.messageId, 3);
		assert.deepEqual(service.requests, []);
	});

	it("are answered to the one who asked, not to others who hear the same topic", async () => {
		const request = "$aws/certificates/create-from-csr/json";
		await test.broker.close();
		test = await TestBroker.start(authority, {
			services: [
				{
					answers: (topic) => topic === request,
					handle: async ({ topic, payload }) => [
						{ topic: `${topic}/accepted`, payload },
					],
				},
			],
		});
		const one = await test.client("node-1");
		const two = await test.client("node-2");
		await subscribe(one, `${request}/accepted`, 1);
		await subscribe(two, `${request}/accepted`, 1);
		one.publish(request, "secret");
		assert.equal(String((await one.next("publish"))?.payload), "secret");
		await two.roundTrip();
		assert.deepEqual(two.received, []);
	});

	describe("and what is sent unasked", () => {
		const delta = "$aws/things/node-1/shadow/update/delta";
		const message = { topic: delta, payload: Buffer.from("changed") };

		it("reaches the thing that the topic names, when it has subscribed", async () => {
			const one = await test.client("node-1");
			const two = await test.client("node-2");
			await subscribe(one, "$aws/things/node-1/shadow/#", 1);
			await subscribe(two, "$aws/things/node-2/shadow/#", 1);
			await test.broker.send([message]);
			const heard = await one.next("publish");
			assert.equal(heard?.topic, delta);
			assert.equal(String(heard?.payload), "changed");
			await two.roundTrip();
			assert.deepEqual(two.received, []);
		});

		it("keeps its order", async () => {
			const client = await test.client("node-1");
			await subscribe(client, delta, 1);
			const numbers = Array.from({ length: 50 }, (_, at) => String(at));
			await test.broker.send(
				numbers.map((text) => ({ topic: delta, payload: Buffer.from(text) })),
			);
			for (const text of numbers) {
				assert.equal(String((await client.next("publish"))?.payload), text);
			}
		});

		it("is for nobody when the thing is away, has not subscribed, or is none", async () => {
			await test.broker.send([message]);
			const client = await test.client("node-1");
			await test.broker.send([
				message,
				{ ...message, topic: "thinghz/node-1/x" },
				{ ...message, topic: "$aws/things/" },
			]);
			await client.roundTrip();
			assert.deepEqual(client.received, []);
		});
	});
});
