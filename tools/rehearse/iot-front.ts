/**
 * The device side of AWS IoT Core for a rehearsal: MQTT over mutual TLS, what a connection may do decided by the template's
 * policies alone. A PUBACK means that the rules have the message; a publish or subscription that the policies do not
 * allow ends the connection, as it does there.
 */
import { createServer, type Server, type TLSSocket } from "node:tls";
import { Aedes, type Client } from "aedes";
import { certificateIdOf } from "../../cloud/local/identity/authority.ts";
import type { PolicyStatement } from "./iam.ts";
import { type IotAction, type IotConnection, iotAllows } from "./iot-policy.ts";
import { closeServer, listenOnLoopback } from "./loopback.ts";

/** A certificate that AWS IoT knows and that is active. */
export interface KnownCertificate {
	readonly thing: string | null;
	readonly statements: readonly PolicyStatement[];
}

export interface FrontMessage {
	readonly topic: string;
	readonly payload: Uint8Array;
	readonly clientId: string;
	readonly principal: string;
}

export interface FrontHost {
	/** @returns null when there is no such certificate */
	certificate(id: string): KnownCertificate | null;
	/** Resolves when the rules have the message. */
	publish(message: FrontMessage): Promise<void>;
	/** Something was refused by the policies. */
	refused(clientId: string, action: IotAction, name: string): void;
}

interface Session extends IotConnection {
	readonly certificateId: string;
	readonly statements: readonly PolicyStatement[];
	readonly version: number;
}

const NOT_AUTHORIZED = 5;

export class IotFront {
	readonly #host: FrontHost;
	readonly #aedes: Aedes;
	readonly #server: Server;
	readonly #sockets = new WeakMap<object, TLSSocket>();
	readonly #sessions = new WeakMap<Client, Session>();
	#versions = 0;
	port = 0;

	private constructor(host: FrontHost, aedes: Aedes, server: Server) {
		this.#host = host;
		this.#aedes = aedes;
		this.#server = server;
	}

	static async start(
		host: FrontHost,
		tls: {
			readonly key: string;
			readonly cert: string;
			readonly ca: string;
		},
	): Promise<IotFront> {
		const aedes = new Aedes({ concurrency: 0, maxClientsIdLength: 128 });
		const server = createServer({
			...tls,
			requestCert: true,
			rejectUnauthorized: true,
			minVersion: "TLSv1.2",
		});
		const front = new IotFront(host, aedes, server);
		front.#install();
		await aedes.listen();
		front.port = await listenOnLoopback(server);
		return front;
	}

	async close(): Promise<void> {
		await new Promise<void>((resolve) => this.#aedes.close(() => resolve()));
		await closeServer(this.#server);
	}

	#install(): void {
		const aedes = this.#aedes;
		this.#server.on("secureConnection", (socket) => {
			this.#sockets.set(aedes.handle(socket), socket);
		});
		aedes.authenticate = (client, _user, _password, done) => {
			if (this.#connect(client)) return done(null, true);
			done(
				Object.assign(new Error("not authorized"), {
					returnCode: NOT_AUTHORIZED,
				}),
				false,
			);
		};
		aedes.authorizePublish = (client, packet, done) => {
			if (client === null) return done(null);
			const session = this.#may(client, "Publish", packet.topic);
			if (session === null) return done(new Error("not authorized"));
			this.#host
				.publish({
					topic: packet.topic,
					payload: Buffer.from(packet.payload),
					clientId: client.id,
					principal: session.certificateId,
				})
				.then(
					() => done(null),
					(error: Error) => done(error),
				);
		};
		aedes.authorizeSubscribe = (client, subscription, done) => {
			const session = this.#may(client, "Subscribe", subscription.topic);
			if (session === null) return done(new Error("not authorized"));
			done(null, subscription);
		};
		aedes.authorizeForward = (client, packet) =>
			this.#may(client, "Receive", packet.topic) === null ? null : packet;
		aedes.on("clientReady", (client) => this.#presence(client, "connected"));
		aedes.on("clientDisconnect", (client) =>
			this.#presence(client, "disconnected"),
		);
	}

	#connect(client: Client): boolean {
		const raw = this.#sockets.get(client)?.getPeerX509Certificate()?.raw;
		if (raw === undefined) return false;
		const certificateId = certificateIdOf(raw);
		const known = this.#host.certificate(certificateId);
		if (known === null) return false;
		this.#sessions.set(client, {
			clientId: client.id,
			thing: known.thing,
			certificateId,
			statements: known.statements,
			version: this.#versions++,
		});
		return this.#may(client, "Connect", client.id) !== null;
	}

	#may(client: Client, action: IotAction, name: string): Session | null {
		const session = this.#sessions.get(client);
		if (session === undefined) return null;
		if (iotAllows(session.statements, session, action, name)) return session;
		this.#host.refused(client.id, action, name);
		return null;
	}

	/** https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html */
	#presence(client: Client, eventType: "connected" | "disconnected"): void {
		const session = this.#sessions.get(client);
		if (session === undefined) return;
		const event = {
			clientId: client.id,
			timestamp: Date.now(),
			eventType,
			sessionIdentifier: `${session.certificateId.slice(0, 24)}-${session.version}`,
			principalIdentifier: session.certificateId,
			...(eventType === "connected"
				? { ipAddress: "127.0.0.1" }
				: {
						clientInitiatedDisconnect: true,
						disconnectReason: "CLIENT_INITIATED_DISCONNECT",
					}),
			versionNumber: session.version,
		};
		this.#host
			.publish({
				topic: `$aws/events/presence/${eventType}/${client.id}`,
				payload: Buffer.from(JSON.stringify(event)),
				clientId: "n/a",
				principal: "n/a",
			})
			.catch((error: unknown) => {
				this.#server.emit("error", error);
			});
	}
}
