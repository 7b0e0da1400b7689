/** Keeps the connections: which one speaks for which thing, how much all may hold, and how all of it ends. */
import type { AddressInfo, Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import type { DeviceCertificate } from "../../core/ports.ts";
import { replacementsAmong, retirementBy } from "../../core/replacements.ts";
import type { DeviceMessage } from "../../core/reserved-topics.ts";
import { certificateIdOf } from "../identity/authority.ts";
import type {
	Broker,
	BrokerDeps,
	BrokerLogEntry,
	BrokerStats,
} from "./broker.ts";
import { judgeCertificate } from "./client-certificate.ts";
import { Connection } from "./connection.ts";
import type { ConnectionHost, OtherMessage } from "./connection-host.ts";
import type { DropReason } from "./errors.ts";
import { listen } from "./listen.ts";
import { Sessions } from "./sessions.ts";

const SWEEP_MS = 1_000;
const DEFAULT_RECHECK_MS = 30_000;
const DEFAULT_CONNECTION_BYTES = 1024 * 1024;
const DEFAULT_OVERALL_BYTES = 64 * 1024 * 1024;
const DEFAULT_DRAIN_TIMEOUT_MS = 10_000;

export class LocalBroker implements Broker, ConnectionHost {
	/** Set when it listens. */
	port = 0;
	readonly maxConnectionBytes: number;
	readonly maxPublishesPerSecond: number | null;
	readonly accept: ConnectionHost["accept"];
	readonly #deps: BrokerDeps;
	readonly #server: Server;
	readonly #maxOverallBytes: number;
	/** Every TCP connection, those among them that have not finished TLS. */
	readonly #sockets = new Set<Socket>();
	/** All that have finished TLS. */
	readonly #connections = new Set<Connection>();
	/** The one connection of each client, by its id, that may speak for it; a thing's id is its name. */
	readonly #current = new Map<string, Connection>();
	/** Things whose presence has been told. */
	readonly #online = new Set<string>();
	readonly #waitingForBytes = new Set<Connection>();
	readonly #drops: Partial<Record<DropReason, number>> = {};
	#toFlush: Connection[] = [];
	#sessions: Sessions | null = null;
	#timers: NodeJS.Timeout[] = [];
	/** Presence is told in the order it happened. */
	#presence: Promise<void> = Promise.resolve();
	#publishes = 0;
	#acknowledged = 0;
	#throttled = 0;
	#pendingBytes = 0;
	#closing: Promise<void> | null = null;

	constructor(deps: BrokerDeps, server: Server) {
		this.#deps = deps;
		this.#server = server;
		this.maxConnectionBytes =
			deps.limits?.maxConnectionBytes ?? DEFAULT_CONNECTION_BYTES;
		this.maxPublishesPerSecond = deps.limits?.maxPublishesPerSecond ?? null;
		this.#maxOverallBytes =
			deps.limits?.maxOverallBytes ?? DEFAULT_OVERALL_BYTES;
		this.accept = (message) => deps.ingest.accept(message);
	}

	async start(): Promise<void> {
		const { host, port, certificates } = this.#deps;
		const sessions = await Sessions.start({
			certificates,
			accept: this.accept,
			claim: (clientId, certificate, connection) =>
				this.#claim(clientId, certificate, connection),
			opened: (connection) => this.#opened(connection),
			refused: (connection, reason, cause) =>
				this.#count("refused", connection, reason, cause),
		});
		this.#sessions = sessions;
		this.#server.on("connection", (socket: Socket) => {
			this.#sockets.add(socket);
			socket.once("close", () => this.#sockets.delete(socket));
		});
		this.#server.on("secureConnection", (socket) => this.#connected(socket));
		this.#server.on("tlsClientError", (cause, socket) => {
			this.#refuseTls(socket, cause);
		});
		try {
			await listen(this.#server, host, port);
		} catch (cause) {
			await sessions.close();
			throw cause;
		}
		this.port = (this.#server.address() as AddressInfo).port;
		const recheckMs = this.#deps.limits?.recheckMs ?? DEFAULT_RECHECK_MS;
		this.#timers = [
			setInterval(() => this.#sweep(), SWEEP_MS),
			setInterval(() => {
				this.#recheck().catch((cause: unknown) => {
					this.#log({
						event: "failed",
						thing: null,
						remoteAddress: "",
						reason: "recheck_failed",
						cause,
					});
				});
			}, recheckMs),
		];
		for (const timer of this.#timers) timer.unref();
	}

	get stats(): BrokerStats {
		return {
			connections: [...this.#current.values()].filter(
				({ thing }) => thing !== null,
			).length,
			publishes: this.#publishes,
			acknowledged: this.#acknowledged,
			throttled: this.#throttled,
			pendingBytes: this.#pendingBytes,
			drops: { ...this.#drops },
		};
	}

	close(): Promise<void> {
		this.#closing ??= this.#shutDown();
		return this.#closing;
	}

	async #shutDown(): Promise<void> {
		for (const timer of this.#timers) clearInterval(timer);
		const serverClosed = new Promise<void>((resolve) =>
			this.#server.close(() => resolve()),
		);
		const timeoutMs =
			this.#deps.limits?.drainTimeoutMs ?? DEFAULT_DRAIN_TIMEOUT_MS;
		const deadline = setTimeout(() => {
			for (const connection of this.#connections) {
				connection.abandon();
			}
		}, timeoutMs);
		await Promise.all(
			[...this.#connections].map((connection) => connection.drain()),
		);
		clearTimeout(deadline);
		for (const socket of this.#sockets) socket.destroy();
		await serverClosed;
		await this.#sessions?.close();
		await this.#presence;
	}

	#connected(socket: TLSSocket): void {
		const refused = judgeCertificate(socket);
		if (refused !== null) {
			this.#refuseTls(socket, refused);
			return;
		}
		const certificate = socket.getPeerX509Certificate();
		if (certificate === undefined || this.#closing !== null) {
			socket.destroy();
			return;
		}
		const id = certificateIdOf(certificate.raw);
		const connection = new Connection(socket, id, this);
		this.#connections.add(connection);
		this.#sessions?.attach(connection);
	}

	#refuseTls(socket: TLSSocket, cause: Error): void {
		// A reset by a client that is being turned away is no news.
		socket.on("error", () => socket.destroy());
		const thing = null;
		const remoteAddress = socket.remoteAddress ?? "unknown";
		this.#count("refused", { thing, remoteAddress }, "tls_failed", cause);
		socket.destroy();
	}

	/** A client has one connection: a new one ends the older (MQTT 3.1.1, 3.1.4-2). */
	async #claim(
		clientId: string,
		{ thing, replaces }: DeviceCertificate,
		connection: Connection,
	): Promise<void> {
		const older = this.#current.get(clientId);
		connection.thing = thing;
		connection.clientId = clientId;
		connection.replaces = replaces ?? null;
		this.#current.set(clientId, connection);
		if (older === undefined) return;
		older.drop("taken_over");
		await older.gone;
	}

	#opened(connection: Connection): void {
		connection.open();
		this.#log({ event: "connected", ...who(connection) });
		const { thing, replaces } = connection;
		if (thing === null) return;
		this.#online.add(thing);
		this.#tell(connection, "presence_failed", () =>
			this.#deps.devices.connected(thing),
		);
		if (replaces === null) return;
		// If it fails, it is tried again when the thing connects next.
		this.#tell(connection, "retire_failed", () =>
			this.#retireReplaced(connection, thing),
		);
	}

	/**
	 * A thing has connected with its new certificate: the old one has done its service, and so has what else was given out in its place.
	 * One after the other: of several that are used at the same time the first stays, and the others are out of force when it is their turn.
	 */
	async #retireReplaced(connection: Connection, thing: string): Promise<void> {
		const { certificates } = this.#deps;
		for (;;) {
			const known = await certificates.ofThing(thing);
			const active = known
				.filter(({ status }) => status === "ACTIVE")
				.map(({ certificateId }) => certificateId);
			if (!active.includes(connection.certificateId)) {
				connection.drop("revoked_certificate");
				return;
			}
			if (active.length === 1) break;
			const retired = await retirementBy(
				replacementsAmong(known),
				thing,
				connection.certificateId,
			);
			const going = active.filter((id) => retired.includes(id));
			if (going.length === 0) break;
			// Once those are out of force nothing more is given out in their place; what was meanwhile goes in the next round.
			for (const id of going) await certificates.revoke(id);
		}
		// Whoever has connected with one of them meanwhile.
		const current = this.#current.get(thing);
		if (current === undefined || current === connection) return;
		const known = await certificates.get(current.certificateId);
		if (known?.status !== "ACTIVE") current.drop("revoked_certificate");
	}

	closed(connection: Connection): void {
		this.#connections.delete(connection);
		this.#waitingForBytes.delete(connection);
		const { thing, clientId } = connection;
		if (this.#current.get(clientId) !== connection) return;
		this.#current.delete(clientId);
		if (thing === null || !this.#online.delete(thing)) return;
		this.#log({ event: "disconnected", ...who(connection) });
		this.#tell(connection, "presence_failed", () =>
			this.#deps.devices.disconnected(thing),
		);
	}

	async handle(connection: Connection, message: OtherMessage): Promise<void> {
		const { topic, payload } = message;
		const service = this.#deps.services?.find((each) => each.answers(topic));
		if (service === undefined) {
			// Below its own name a thing may say to itself what it likes.
			await this.#sessions?.deliver(connection, message);
			return;
		}
		const { thing, clientId, certificateId } = connection;
		const answers = await service.handle({
			thing,
			clientId,
			certificateId,
			topic,
			payload,
		});
		await this.#deliver(connection, answers);
	}

	async send(messages: readonly DeviceMessage[]): Promise<void> {
		for (const message of messages) {
			const thing = thingOfTopic(message.topic);
			const connection = thing === null ? undefined : this.#current.get(thing);
			if (connection !== undefined) await this.#deliver(connection, [message]);
		}
	}

	/** In their order. */
	async #deliver(
		connection: Connection,
		messages: readonly DeviceMessage[],
	): Promise<void> {
		for (const message of messages) {
			await this.#sessions?.deliver(connection, { ...message, qos: 1 });
		}
	}

	#tell(
		connection: Connection,
		reason: "presence_failed" | "retire_failed",
		tell: () => Promise<void> | void,
	): void {
		this.#presence = this.#presence.then(tell).catch((cause: unknown) => {
			this.#log({ event: "failed", ...who(connection), reason, cause });
		});
	}

	dropped(connection: Connection, reason: DropReason, cause?: unknown): void {
		this.#count("dropped", connection, reason, cause);
	}

	#count(
		event: "refused" | "dropped",
		{ thing, remoteAddress }: Pick<Connection, "thing" | "remoteAddress">,
		reason: DropReason,
		cause: unknown,
	): void {
		this.#drops[reason] = (this.#drops[reason] ?? 0) + 1;
		this.#log({ event, thing, remoteAddress, reason, cause });
	}

	#log(entry: BrokerLogEntry): void {
		this.#deps.log?.(entry);
	}

	received(): void {
		this.#publishes++;
	}

	acknowledged(count: number): void {
		this.#acknowledged += count;
	}

	throttled(): void {
		this.#throttled++;
	}

	reserve(bytes: number, connection: Connection): boolean {
		this.#pendingBytes += bytes;
		if (this.#pendingBytes <= this.#maxOverallBytes) return true;
		this.#waitingForBytes.add(connection);
		return false;
	}

	release(bytes: number): void {
		this.#pendingBytes -= bytes;
		if (this.#waitingForBytes.size === 0) return;
		if (this.#pendingBytes * 2 > this.#maxOverallBytes) return;
		const waiting = [...this.#waitingForBytes];
		this.#waitingForBytes.clear();
		for (const connection of waiting) connection.allBytesFree();
	}

	/** A group commit settles many messages at once: each connection writes its PUBACKs once, after the last of them. */
	flushSoon(connection: Connection): void {
		if (this.#toFlush.length === 0) {
			process.nextTick(() => {
				const connections = this.#toFlush;
				this.#toFlush = [];
				for (const each of connections) each.flush();
			});
		}
		this.#toFlush.push(connection);
	}

	disconnect(thing: string): void {
		this.#current.get(thing)?.drop("revoked_certificate");
	}

	#sweep(): void {
		for (const connection of this.#connections) connection.tick();
	}

	async #recheck(): Promise<void> {
		for (const connection of [...this.#current.values()]) {
			const { certificateId } = connection;
			const known = await this.#deps.certificates.get(certificateId);
			if (known?.status !== "ACTIVE") connection.drop("revoked_certificate");
		}
	}
}

function thingOfTopic(topic: string): string | null {
	const [first, second, thing] = topic.split("/");
	return first === "$aws" && second === "things" ? (thing ?? null) : null;
}

function who(connection: Connection): {
	readonly thing: string | null;
	readonly remoteAddress: string;
} {
	const { thing, remoteAddress } = connection;
	return { thing, remoteAddress };
}
