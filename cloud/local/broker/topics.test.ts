import assert from "node:assert/strict";
import { blockTopic, eventTopic, liveTopic } from "../../../protocol/topics.ts";
import { TestAuthority } from "./fakes/certificates.ts";
import { TestBroker } from "./fakes/test-broker.ts";

describe("topics of a connected thing", () => {
	let authority: TestAuthority;
	let test: TestBroker;

	before(async () => {
		authority = await TestAuthority.make();
	});
	beforeEach(async () => {
		test = await TestBroker.start(authority);
	});
	afterEach(() => test.broker.close());
	after(() => authority.remove());

	/** Of what AWS IoT serves and this broker does not: what a device publishes, and what it would hear. */
	const unserved = {
		publish: [
			"$aws/things/node-1/defender/metrics/json",
			"$aws/things/node-1/defender/metrics/cbor",
			"$aws/commands/things/node-1/executions/e-1/response/json",
			"$aws/commands/clients/node-1/executions/e-1/response/json",
			"$aws/device_location/node-1/get_position_estimate",
			"$aws/things/node-1/shadow/name/$package/update",
			"$aws/things/node-1/streams/image/get/cbor",
			"$aws/provisioning-templates/other/provision/json",
		],
		subscribe: [
			"$aws/things/node-1/defender/metrics/json/accepted",
			"$aws/things/node-1/defender/#",
			"$aws/things/node-1/tunnels/notify",
			"$aws/things/node-1/",
			"$aws/commands/things/node-1/executions/+/request/json",
			"$aws/commands/clients/node-1/executions/+/request/json",
			"$aws/device_location/node-1/get_position_estimate/accepted",
			"$aws/provisioning-templates/other/provision/json/accepted",
			"$aws/certificates/create/cbor/accepted",
			"$aws/events/presence/connected/node-1",
			"$aws/sitewise/asset-models/#",
			"$share/group/$aws/things/node-1/jobs/notify",
		],
	};

	for (const topic of [
		...unserved.publish,
		blockTopic("node-2"),
		eventTopic("node-2"),
		liveTopic("node-2"),
		"thinghz/node-2/anything",
		"$aws/things/node-2/shadow/get",
		"$aws/things/node-1/shadow/get/accepted",
		"$aws/things/node-1/shadow/update/rejected",
		"$aws/things/node-1/shadow/name/config/update/delta",
		"$aws/things/node-1/jobs/notify",
		"$aws/rules/other_rule/node-1/block",
		"$aws/rules/thinghz_blocks/node-1/other",
		"$SYS/broker/anything",
		"thinghz/node-1",
		"anything",
	]) {
		it(`node-1 publishing to ${topic} loses its connection, and nothing is stored`, async () => {
			const client = await test.client("node-1");
			client.publish(topic, "forged");
			assert.equal(await client.next("puback"), null);
			await test.logged({ reason: "forbidden_publish", thing: "node-1" });
			assert.deepEqual(test.ingest.messages, []);
		});
	}

	for (const filter of [
		...unserved.subscribe,
		"#",
		"+/node-1/x",
		"thinghz/+/x",
		"thinghz/#",
		"thinghz/node-2/x",
		"thinghz/node-1",
		"$aws/things/node-2/#",
		"$aws/things/+/shadow/get/accepted",
		"$aws/rules/thinghz_blocks/node-1/block",
		"$SYS/#",
	]) {
		it(`node-1's subscription to ${filter} is refused`, async () => {
			const client = await test.client("node-1");
			client.send({
				cmd: "subscribe",
				messageId: 1,
				subscriptions: [{ topic: filter, qos: 1 }],
			});
			assert.deepEqual((await client.next("suback"))?.granted, [128]);
		});
	}

	it("of several filters in one SUBSCRIBE each is judged by itself", async () => {
		const client = await test.client("node-1");
		client.send({
			cmd: "subscribe",
			messageId: 1,
			subscriptions: [
				{ topic: "thinghz/node-1/#", qos: 1 },
				{ topic: "thinghz/node-2/#", qos: 1 },
				{ topic: "$aws/things/node-1/jobs/#", qos: 0 },
				{ topic: "thinghz/node-1/+/x", qos: 2 },
			],
		});
		const granted = (await client.next("suback"))?.granted;
		assert.deepEqual(granted, [1, 128, 0, 128]);
	});

	it("a thing hears its own topics, and not those of others or of ingest", async () => {
		const one = await test.client("node-1");
		const two = await test.client("node-2");
		for (const [client, thing] of [
			[one, "node-1"],
			[two, "node-2"],
		] as const) {
			client.send({
				cmd: "subscribe",
				messageId: 1,
				subscriptions: [{ topic: `thinghz/${thing}/#`, qos: 1 }],
			});
			assert.deepEqual((await client.next("suback"))?.granted, [1]);
		}
		one.publish(liveTopic("node-1"), "live", 6);
		await one.next("puback");
		one.publish("thinghz/node-1/note", "hello", 7);
		assert.equal((await one.next("puback"))?.messageId, 7);
		const heard = await one.next("publish");
		assert.equal(heard?.topic, "thinghz/node-1/note");
		await two.roundTrip();
		assert.deepEqual(two.received, []);
		assert.equal(test.ingest.messages.length, 1);
	});

	it("the 51st subscription of a connection is refused", async () => {
		const client = await test.client("node-1");
		for (let at = 1; at <= 51; at++) {
			client.send({
				cmd: "subscribe",
				messageId: at,
				subscriptions: [{ topic: `thinghz/node-1/${at}`, qos: 0 }],
			});
			const granted = (await client.next("suback"))?.granted;
			assert.deepEqual(granted, [at <= 50 ? 0 : 128]);
		}
	});

	it("a retained publish loses the connection", async () => {
		const client = await test.client("node-1");
		client.send({
			cmd: "publish",
			topic: "thinghz/node-1/note",
			payload: "stay",
			qos: 1,
			messageId: 1,
			dup: false,
			retain: true,
		});
		assert.equal(await client.next("puback"), null);
		await test.logged({ reason: "retained_publish" });
	});
});
