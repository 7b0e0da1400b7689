/**
 * MQTT sessions, by aedes: CONNECT, SUBSCRIBE, keep-alive answers, wills, and what a thing is sent.
 * A session ends with its connection, whatever CONNECT asked for: a client finds no session present and subscribes
 * again. aedes would keep what a client does not acknowledge without a bound, and nothing here is sent to a thing that
 * is away.
 */
import { Aedes, type AuthenticateError, type Client } from "aedes";
import { CLAIM_CLIENT_PREFIX } from "../../../protocol/provisioning.ts";
import { parsePublishTopic } from "../../../protocol/topics.ts";
import type { CertificateStore, DeviceCertificate } from "../../core/ports.ts";
import type { Connection } from "./connection.ts";
import type { DropReason } from "./errors.ts";
import { grantedQos } from "./filters.ts";
import { mayPublish, maySubscribe } from "./permissions.ts";

/** MQTT 3.1.1, 3.2.2.3. */
const NOT_AUTHORIZED = 5;
const SERVER_UNAVAILABLE = 3;
const CONNECT_TIMEOUT_MS = 10_000;
/** AWS IoT Core: longer ones are cut to this, and none at all means this. */
const MAX_KEEP_ALIVE_S = 1200;
/** AWS IoT Core: "Subscriptions per connection". */
const MAX_SUBSCRIPTIONS = 50;

export interface SessionHost {
	readonly certificates: CertificateStore;
	accept(message: {
		readonly thing: string;
		readonly topic: string;
		readonly payload: Uint8Array;
	}): Promise<unknown>;
	/** The client has proved who it is. Resolves when no older connection of it is left. */
	claim(
		clientId: string,
		certificate: DeviceCertificate,
		connection: Connection,
	): Promise<void>;
	/** CONNACK has been written. */
	opened(connection: Connection): void;
	refused(connection: Connection, reason: DropReason, cause?: unknown): void;
}

class Refusal extends Error {
	override readonly name = "Refusal";
	readonly reason: DropReason;
	readonly returnCode: number;

	constructor(reason: DropReason, returnCode: number, options?: ErrorOptions) {
		super(reason, options);
		this.reason = reason;
		this.returnCode = returnCode;
	}
}

export class Sessions {
	readonly #host: SessionHost;
	readonly #aedes: Aedes;
	readonly #connections = new WeakMap<Client, Connection>();
	readonly #clients = new WeakMap<Connection, Client>();
	readonly #wills = new WeakMap<Client, string>();

	private constructor(host: SessionHost, aedes: Aedes) {
		this.#host = host;
		this.#aedes = aedes;
	}

	static async start(host: SessionHost): Promise<Sessions> {
		const aedes = new Aedes({
			// 0 is unbounded. Bounded, its queue of waiting publishes unwinds by recursion: stack overflow under load.
			concurrency: 0,
			connectTimeout: CONNECT_TIMEOUT_MS,
			maxClientsIdLength: 128,
		});
		const sessions = new Sessions(host, aedes);
		sessions.#install();
		await aedes.listen();
		return sessions;
	}

	/** Gives a connection its session; the connection hears of it by `open`. */
	attach(connection: Connection): void {
		const client = this.#aedes.handle(connection.stream);
		this.#connections.set(client, connection);
		this.#clients.set(connection, client);
	}

	/**
	 * Sends a message to a connection if it has subscribed to the topic, at the lower of both qualities of service. Past
	 * aedes' own distribution, which would give it to whoever has subscribed: a topic of answers may be many clients'.
	 * Resolves when it has been written or the connection has ended.
	 */
	async deliver(
		connection: Connection,
		message: {
			readonly topic: string;
			readonly payload: Uint8Array;
			readonly qos: 0 | 1;
		},
	): Promise<void> {
		const client = this.#clients.get(connection);
		const granted = grantedQos(connection.filters, message.topic);
		if (client === undefined || client.closed || granted === null) return;
		const { topic, payload } = message;
		const qos = granted === 0 ? 0 : message.qos;
		await new Promise<void>((resolve) => {
			// What fails is the connection, which then says so itself.
			client.publish(
				{
					cmd: "publish",
					topic,
					payload: Buffer.from(
						payload.buffer,
						payload.byteOffset,
						payload.byteLength,
					),
					qos,
					dup: false,
					retain: false,
				},
				() => resolve(),
			);
		});
	}

	close(): Promise<void> {
		return new Promise((resolve) => this.#aedes.close(() => resolve()));
	}

	#install(): void {
		const aedes = this.#aedes;
		aedes.preConnect = (client, packet, done) => {
			const connection = this.#connections.get(client);
			if (connection === undefined) return done(null, false);
			// The connection keeps this time itself: most of what it receives never reaches the session.
			connection.keepAliveS = Math.min(
				packet.keepalive || MAX_KEEP_ALIVE_S,
				MAX_KEEP_ALIVE_S,
			);
			packet.keepalive = 0;
			packet.clean = true;
			if (packet.will !== undefined) {
				const { topic, qos, retain } = packet.will;
				const isPlain = qos !== 2 && retain !== true;
				this.#wills.set(client, isPlain ? topic : "");
			}
			done(null, true);
		};
		aedes.authenticate = (client, _username, _password, done) => {
			this.#authenticate(client).then(
				() => done(null, true),
				(cause: unknown) => done(this.#refuse(client, cause), false),
			);
		};
		aedes.authorizePublish = (client, packet, done) => {
			if (client === null) return done(null);
			this.#authorizePublish(client, packet.topic, packet.payload).then(
				() => done(null),
				(cause: unknown) => {
					const connection = this.#connections.get(client);
					if (connection !== undefined) {
						this.#host.refused(connection, "store_failed", cause);
					}
					done(cause instanceof Error ? cause : new Error(String(cause)));
				},
			);
		};
		aedes.authorizeSubscribe = (client, subscription, done) => {
			const connection = this.#connections.get(client);
			const isAllowed =
				connection !== undefined &&
				subscription.qos !== 2 &&
				maySubscribe(connection.thing, subscription.topic) &&
				(connection.filters.has(subscription.topic) ||
					connection.filters.size < MAX_SUBSCRIPTIONS);
			if (isAllowed) {
				connection.filters.set(
					subscription.topic,
					subscription.qos === 1 ? 1 : 0,
				);
			}
			done(null, isAllowed ? subscription : null);
		};
		aedes.on("unsubscribe", (filters, client) => {
			const connection = this.#connections.get(client);
			for (const filter of filters) connection?.filters.delete(filter);
		});
		aedes.on("clientReady", (client) => {
			const connection = this.#connections.get(client);
			if (connection === undefined || connection.isClosed) return;
			this.#host.opened(connection);
		});
	}

	async #authenticate(client: Client): Promise<void> {
		const connection = this.#connections.get(client);
		if (connection === undefined) {
			throw new Refusal("session_error", SERVER_UNAVAILABLE);
		}
		const certificate = await this.#host.certificates.get(
			connection.certificateId,
		);
		// While it was looked up; such a one must not end the older connection.
		if (connection.isClosed) {
			throw new Refusal("client_gone", SERVER_UNAVAILABLE);
		}
		if (certificate === null) {
			throw new Refusal("unknown_certificate", NOT_AUTHORIZED);
		}
		if (certificate.status !== "ACTIVE") {
			throw new Refusal("revoked_certificate", NOT_AUTHORIZED);
		}
		if (!isClientOf(certificate, client.id)) {
			throw new Refusal("wrong_client_id", NOT_AUTHORIZED);
		}
		const will = this.#wills.get(client);
		if (will !== undefined && !isOwnTopic(certificate.thing, will)) {
			throw new Refusal("forbidden_will", NOT_AUTHORIZED);
		}
		await this.#host.claim(client.id, certificate, connection);
	}

	#refuse(client: Client, cause: unknown): AuthenticateError {
		const refusal =
			cause instanceof Refusal
				? cause
				: new Refusal("store_failed", SERVER_UNAVAILABLE, { cause });
		const connection = this.#connections.get(client);
		if (connection !== undefined) {
			this.#host.refused(connection, refusal.reason, refusal.cause);
		}
		return refusal;
	}

	/** Connections have checked what they handed on; what comes here unchecked is a will, and the broker's own. */
	async #authorizePublish(
		client: Client,
		topic: string,
		payload: string | Buffer,
	): Promise<void> {
		if (parsePublishTopic(topic)?.thing === client.id) {
			await this.#host.accept({
				thing: client.id,
				topic,
				payload: typeof payload === "string" ? Buffer.from(payload) : payload,
			});
		} else if (!mayPublish(client.id, topic)) {
			throw new Error(`${client.id} may not publish to ${topic}`);
		}
	}
}

/** A thing has its name; holders of a claim certificate, who are many, each make up an id of their own. */
function isClientOf({ thing }: DeviceCertificate, clientId: string): boolean {
	return thing === null
		? clientId.startsWith(CLAIM_CLIENT_PREFIX)
		: clientId === thing;
}

/** @param thing null for the holder of a claim certificate, who has nothing to leave behind */
function isOwnTopic(thing: string | null, topic: string): boolean {
	if (thing === null) return false;
	return parsePublishTopic(topic)?.thing === thing || mayPublish(thing, topic);
}
