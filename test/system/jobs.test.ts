/**
 * Jobs of a device whose software is somebody else's: a plain MQTT client over mutual TLS, which knows AWS's topics and
 * nothing of this cloud; and people on the other side, by the command.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { CloudUnderTest, temporaryFolder, until } from "./support/cloud.ts";
import { thinghz, thinghzJson } from "./support/command.ts";

interface Provisioned {
	readonly certificate: string;
	readonly privateKey: string;
	readonly ca: string;
}

interface Shown {
	readonly status: string;
	readonly executions: readonly {
		readonly device: string;
		readonly status: string;
		readonly statusDetails: Readonly<Record<string, string>>;
	}[];
}

/** Somebody else's device. */
class Device {
	readonly #client: MqttClient;
	readonly #name: string;
	// biome-ignore lint/suspicious/noExplicitAny: each message has members of its own
	readonly #heard: { readonly topic: string; readonly document: any }[] = [];

	constructor(client: MqttClient, name: string) {
		this.#client = client;
		this.#name = name;
		client.on("message", (topic, payload) => {
			const [, rest = topic] = topic.split(`$aws/things/${name}/jobs/`);
			const document = JSON.parse(payload.toString());
			this.#heard.push({ topic: rest, document });
		});
	}

	static async connect(
		name: string,
		address: string,
		identity: Provisioned,
	): Promise<Device> {
		const client = await connectAsync(address, {
			clientId: name,
			protocolVersion: 4,
			reconnectPeriod: 0,
			cert: readFileSync(identity.certificate),
			key: readFileSync(identity.privateKey),
			ca: readFileSync(identity.ca),
		});
		const device = new Device(client, name);
		await client.subscribeAsync(`$aws/things/${name}/jobs/#`, { qos: 1 });
		return device;
	}

	// biome-ignore lint/suspicious/noExplicitAny: each message has members of its own
	async ask(operation: string, request: object = {}): Promise<any> {
		const topic = `$aws/things/${this.#name}/jobs/${operation}`;
		await this.#client.publishAsync(topic, JSON.stringify(request), { qos: 1 });
		return this.hear(operation);
	}

	/** The next message on a topic, or on one below it. */
	// biome-ignore lint/suspicious/noExplicitAny: each message has members of its own
	async hear(topic: string): Promise<any> {
		const place = () =>
			this.#heard.findIndex(
				(one) => one.topic === topic || one.topic.startsWith(`${topic}/`),
			);
		await until(
			async () => place(),
			(at) => at >= 0,
		);
		const [message] = this.#heard.splice(place(), 1);
		return message?.document;
	}

	async end(): Promise<void> {
		await this.#client.endAsync(true);
	}
}

describe("jobs of a device on a plain MQTT client", function () {
	this.timeout(120_000);
	const folder = temporaryFolder();
	const name = "gate";
	let cloud: CloudUnderTest;
	let identity: Provisioned;
	let device: Device;
	let reboot: string;

	before(async () => {
		reboot = join(folder.dir, "reboot.json");
		writeFileSync(reboot, '{"operation":"reboot","version":1}');
		const dir = join(folder.dir, "data");
		cloud = await CloudUnderTest.start(dir);
		identity = await thinghzJson("provision", name, "--target", cloud.target);
		device = await Device.connect(name, cloud.ready.mqtt, identity);
	});

	after(async () => {
		await device?.end();
		await cloud?.stop();
		folder.remove();
	});

	const jobs = <T>(...args: readonly string[]) =>
		thinghzJson<T>("jobs", ...args, "--target", cloud.target);

	it("come to who has a tag, are done in order, and end as the device says", async () => {
		await jobs(
			"create",
			"reboot-1",
			"--document",
			reboot,
			"--where",
			"site=yard",
		);
		await thinghzJson(
			...["devices", "tag", name, "site=yard", "--target", cloud.target],
		);
		const { execution } = await device.hear("notify-next");
		assert.deepEqual(
			[execution.jobId, execution.status, execution.jobDocument.operation],
			["reboot-1", "QUEUED", "reboot"],
		);
		const begun = await device.ask("start-next", { clientToken: "t" });
		assert.deepEqual(
			[begun.execution.jobId, begun.execution.versionNumber, begun.clientToken],
			["reboot-1", 2, "t"],
		);
		await jobs("create", "reboot-2", "--document", reboot, "--to", name);
		const done = await device.ask("reboot-1/update", {
			status: "SUCCEEDED",
			expectedVersion: 2,
			includeJobExecutionState: true,
		});
		assert.equal(done.executionState.status, "SUCCEEDED");
		assert.equal(
			(await device.hear("notify-next")).execution.jobId,
			"reboot-2",
		);
		await device.ask("reboot-2/update", {
			status: "REJECTED",
			statusDetails: { reason: "unknown_operation" },
		});
		const shown = await jobs<Shown>("show", "reboot-2");
		assert.equal(shown.status, "COMPLETED");
		const [own] = shown.executions;
		assert.deepEqual(
			[own?.device, own?.status, own?.statusDetails],
			[name, "REJECTED", { reason: "unknown_operation" }],
		);
		const canceled = await jobs<Shown>("cancel", "reboot-1");
		assert.equal(canceled.status, "CANCELED");
	});

	it("are the same after the cloud was killed, with addresses of images that hold", async () => {
		const document = join(folder.dir, "other.json");
		const url = `\${thinghz:firmware:1.2.0/gate/app.bin}`;
		writeFileSync(document, JSON.stringify({ image: url }));
		await jobs(
			...["create", "fetch", "--foreign", "--document", document, "--to", name],
		);
		const before = await device.ask("start-next");
		await device.end();
		await cloud.process.end("SIGKILL");
		cloud = await CloudUnderTest.start(cloud.dir);
		device = await Device.connect(name, cloud.ready.mqtt, identity);
		const { execution } = await device.ask("start-next");
		assert.deepEqual(
			{ ...execution, jobDocument: null },
			{ ...before.execution, jobDocument: null },
		);
		const { image } = execution.jobDocument;
		assert.ok(image.startsWith(`${cloud.ready.http}/firmware/1.2.0/gate/`));
		const answer = await fetch(image);
		assert.equal(answer.status, 404, "signed, and no such image");
		const late = await device.ask("fetch/update", {
			status: "FAILED",
			expectedVersion: 9,
		});
		assert.equal(late.code, "VersionMismatch");
	});

	it("cannot be asked for wrongly without being told how it is right", async () => {
		for (const [code, said, ...args] of [
			[2, /either --to/, "create", "x", "--document", reboot],
			[1, /There is no job x/, "show", "x"],
		] as const) {
			const outcome = await thinghz("jobs", ...args, "--target", cloud.target);
			assert.equal(outcome.code, code, outcome.stderr);
			assert.match(outcome.stderr, said);
		}
	});
});
