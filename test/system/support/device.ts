/** A device whose software is somebody else's: a plain MQTT client over mutual TLS, which knows AWS's topics and nothing of this cloud. */
import { readFileSync } from "node:fs";
import { connectAsync, type MqttClient } from "mqtt";
import { until } from "./cloud.ts";

export interface Provisioned {
	readonly certificate: string;
	readonly privateKey: string;
	readonly ca: string;
}

export class Device {
	readonly #client: MqttClient;
	readonly #name: string;
	// biome-ignore lint/suspicious/noExplicitAny: each message has members of its own
	readonly #heard: { readonly topic: string; readonly document: any }[] = [];

	constructor(client: MqttClient, name: string) {
		this.#client = client;
		this.#name = name;
		client.on("message", (topic, payload) => {
			const [, rest = topic] = topic.split(`$aws/things/${name}/`);
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
		await client.subscribeAsync(`$aws/things/${name}/#`, { qos: 1 });
		return device;
	}

	/**
	 * What is answered to a request below its own name in `$aws/things`.
	 * @param answer the topic that is listened to; the request's own, and those below, without it
	 */
	async ask(
		operation: string,
		request: object = {},
		answer?: string,
		// biome-ignore lint/suspicious/noExplicitAny: each message has members of its own
	): Promise<any> {
		const topic = `$aws/things/${this.#name}/${operation}`;
		await this.#client.publishAsync(topic, JSON.stringify(request), { qos: 1 });
		return this.hear(answer ?? operation);
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
