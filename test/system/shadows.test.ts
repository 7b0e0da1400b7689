/**
 * Shadows of a device whose software is somebody else's: AWS's own device SDK, which knows nothing of this cloud, against
 * the broker; and people on the other side, by the command.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { io, iot, iotshadow, mqtt } from "aws-iot-device-sdk-v2";
import { CloudUnderTest, temporaryFolder } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";

interface Provisioned {
	readonly certificate: string;
	readonly privateKey: string;
	readonly ca: string;
}

/** What a handler of the SDK was given, in order, to be waited for. */
class Inbox {
	readonly #messages: unknown[] = [];
	#wake: (() => void) | null = null;

	readonly take = (error: unknown, message?: unknown): void => {
		this.#messages.push(error ?? message);
		this.#wake?.();
	};

	// biome-ignore lint/suspicious/noExplicitAny: each kind of message has members of its own
	async next(): Promise<any> {
		for (;;) {
			if (this.#messages.length > 0) return this.#messages.shift();
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
	}
}

describe("shadows of a device on AWS's device SDK", () => {
	const folder = temporaryFolder();
	const qos = mqtt.QoS.AtLeastOnce;
	const thingName = "sdk-node";
	let cloud: CloudUnderTest;
	let connection: mqtt.MqttClientConnection;
	let device: iotshadow.IotShadowClient;

	before(async () => {
		cloud = await CloudUnderTest.start(folder.dir);
		const identity = await thinghzJson<Provisioned>(
			"provision",
			thingName,
			"--target",
			cloud.target,
		);
		const { hostname, port } = new URL(cloud.ready.mqtt);
		const config =
			iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder_from_path(
				identity.certificate,
				identity.privateKey,
			)
				.with_certificate_authority_from_path(undefined, identity.ca)
				.with_client_id(thingName)
				.with_endpoint(hostname)
				.with_port(Number(port))
				.with_clean_session(true)
				.build();
		const bootstrap = new io.ClientBootstrap();
		connection = new mqtt.MqttClient(bootstrap).new_connection(config);
		await connection.connect();
		device = new iotshadow.IotShadowClient(connection);
	});

	after(async () => {
		await connection?.disconnect();
		await cloud?.stop();
		folder.remove();
	});

	it("is told what people set, and reports", async () => {
		const named = { thingName, shadowName: "config" };
		const delta = new Inbox();
		const accepted = new Inbox();
		const got = new Inbox();
		const notGot = new Inbox();
		await device.subscribeToNamedShadowDeltaUpdatedEvents(
			named,
			qos,
			delta.take,
		);
		await device.subscribeToUpdateNamedShadowAccepted(
			named,
			qos,
			accepted.take,
		);
		await device.subscribeToGetNamedShadowAccepted(named, qos, got.take);
		await device.subscribeToGetNamedShadowRejected(named, qos, notGot.take);

		await device.publishGetNamedShadow({ ...named, clientToken: "g-1" }, qos);
		const missing = await notGot.next();
		assert.deepEqual([missing.code, missing.clientToken], [404, "g-1"]);

		const set = await thinghzJson<{ readonly status: string }>(
			"config",
			thingName,
			"--set",
			"interval=5s",
			"channels=all",
			"--target",
			cloud.target,
		);
		assert.equal(set.status, "waiting");
		const change = await delta.next();
		assert.deepEqual(change.state, { sampleIntervalMs: 5000, channels: "all" });
		assert.equal((await accepted.next()).version, 1);

		// The device takes one of the two, in the version that it was told.
		await device.publishUpdateNamedShadow(
			{
				...named,
				state: { reported: { sampleIntervalMs: 5000 } },
				version: change.version,
				clientToken: "u-1",
			},
			qos,
		);
		const taken = await accepted.next();
		assert.deepEqual([taken.version, taken.clientToken], [2, "u-1"]);
		assert.deepEqual((await delta.next()).state, { channels: "all" });
		await device.publishGetNamedShadow({ ...named, clientToken: "g-2" }, qos);
		const whole = await got.next();
		assert.deepEqual(whole.state, {
			desired: { sampleIntervalMs: 5000, channels: "all" },
			reported: { sampleIntervalMs: 5000 },
			delta: { channels: "all" },
		});
		assert.equal(whole.metadata.desired.channels.timestamp > 1.6e9, true);
	});

	it("refuses what people set, and they read why", async () => {
		const named = { thingName, shadowName: "config" };
		const accepted = new Inbox();
		await device.subscribeToUpdateNamedShadowAccepted(
			named,
			qos,
			accepted.take,
		);
		await device.publishUpdateNamedShadow(
			{
				...named,
				state: {
					reported: { refused: { reason: "There is no such channel." } },
				},
				version: 2,
			},
			qos,
		);
		await accepted.next();
		const { code, stdout, stderr } = await thinghz(
			"config",
			thingName,
			"--target",
			cloud.target,
		);
		assert.equal(code, 0);
		assert.match(stdout, /^interval +5s +5s$/m);
		assert.match(stdout, /^channels +all +– +differs$/m);
		assert.match(stderr, /has refused this.*There is no such channel\./);
	});

	it("has a classic shadow, too, which people may change and delete", async () => {
		const documents = new Inbox();
		const deleted = new Inbox();
		const rejected = new Inbox();
		await device.subscribeToShadowUpdatedEvents(
			{ thingName },
			qos,
			documents.take,
		);
		await device.subscribeToDeleteShadowAccepted(
			{ thingName },
			qos,
			deleted.take,
		);
		await device.subscribeToUpdateShadowRejected(
			{ thingName },
			qos,
			rejected.take,
		);
		const file = join(folder.dir, "update.json");
		writeFileSync(file, '{"state":{"desired":{"led":"on"}}}');
		const change = await thinghzJson<{ version: number }>(
			"shadow",
			thingName,
			"--update",
			file,
			"--target",
			cloud.target,
		);
		assert.equal(change.version, 1);
		const { previous, current } = await documents.next();
		assert.deepEqual(
			[previous.state, current.state, current.version],
			[{}, { desired: { led: "on" } }, 1],
		);
		await device.publishUpdateShadow(
			{ thingName, state: { reported: { led: "on" } }, version: 7 },
			qos,
		);
		const conflict = await rejected.next();
		assert.deepEqual(
			[conflict.code, conflict.message],
			[409, "Version conflict"],
		);
		await device.publishDeleteShadow({ thingName, clientToken: "d" }, qos);
		const gone = await deleted.next();
		assert.deepEqual([gone.version, gone.clientToken], [1, "d"]);
	});
});
