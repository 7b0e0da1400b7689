/** Somebody who speaks MQTT with a certificate, and tries what a node would not. */
import { connectAsync, type MqttClient } from "mqtt";
import { LOOPBACK } from "./loopback.ts";
import type { Credentials } from "./things.ts";

/** "allowed", or how it ended otherwise: with a refusal, or with the connection. */
export type Attempt = "allowed" | "refused";

/** @throws when it is refused */
export async function connectAs(
	port: number,
	clientId: string,
	{ certificate, privateKey, ca }: Credentials,
): Promise<MqttClient> {
	const client = await connectAsync({
		host: LOOPBACK,
		port,
		protocol: "mqtts",
		clientId,
		protocolVersion: 4,
		reconnectPeriod: 0,
		cert: certificate,
		key: privateKey,
		ca,
	});
	// What is refused ends the connection: whoever waits for an answer hears of that.
	client.on("error", () => client.end(true));
	return client;
}

/** Connects, does one thing, and tells whether it was let. */
export async function attempt(
	port: number,
	clientId: string,
	credentials: Credentials,
	deed: (client: MqttClient) => Promise<unknown> = async () => undefined,
): Promise<Attempt> {
	let client: MqttClient;
	try {
		client = await connectAs(port, clientId, credentials);
	} catch (error) {
		if (error instanceof Error) return "refused";
		throw error;
	}
	const closed = new Promise<"refused">((resolve) =>
		client.once("close", () => resolve("refused")),
	);
	const done = deed(client).then(
		(): Attempt => "allowed",
		(): Attempt => "refused",
	);
	const outcome = await Promise.race([done, closed]);
	await client.endAsync(true);
	return outcome;
}

export function publishing(topic: string, payload: Uint8Array | string) {
	return (client: MqttClient) =>
		client.publishAsync(topic, Buffer.from(payload), { qos: 1 });
}

export function subscribing(filter: string) {
	return async (client: MqttClient): Promise<void> => {
		const [granted] = await client.subscribeAsync(filter, { qos: 1 });
		if (granted?.qos === 128) throw new Error("SUBACK: failure");
	};
}
