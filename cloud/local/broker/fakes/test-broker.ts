/** A broker on a free port of loopback with an ingest that does what a test says. */
import {
	type Broker,
	type BrokerDeps,
	type BrokerLogEntry,
	startBroker,
} from "../broker.ts";
import type { TestAuthority } from "./certificates.ts";
import { type ClientIdentity, MemoryCertificates } from "./certificates.ts";
import { RawClient } from "./raw-client.ts";

interface Message {
	readonly thing: string;
	readonly topic: string;
	readonly payload: Uint8Array;
}

export class FakeIngest {
	/** Every message that was given, in order. */
	readonly messages: Message[] = [];
	/** While set, messages wait until `commit` or `fail`. */
	isHolding = false;
	#held: { resolve: () => void; reject: (error: Error) => void }[] = [];
	#onMessage: (() => void) | null = null;

	accept(message: Message): Promise<void> {
		this.messages.push({
			...message,
			payload: Uint8Array.from(message.payload),
		});
		this.#onMessage?.();
		if (!this.isHolding) return Promise.resolve();
		return new Promise((resolve, reject) => {
			this.#held.push({ resolve, reject });
		});
	}

	async whenGiven(count: number): Promise<void> {
		while (this.messages.length < count) {
			await new Promise<void>((resolve) => {
				this.#onMessage = resolve;
			});
		}
	}

	/** Resolves the oldest that are held, as one group commit does; all of them when not told how many. */
	commit(count = this.#held.length): void {
		const held = this.#held.splice(0, count);
		for (const { resolve } of held) resolve();
	}

	fail(error: Error): void {
		const held = this.#held;
		this.#held = [];
		for (const { reject } of held) reject(error);
	}
}

export class TestBroker {
	readonly broker: Broker;
	readonly ingest: FakeIngest;
	readonly certificates: MemoryCertificates;
	/** "+name" and "-name", as presence was told. */
	readonly presence: string[];
	readonly log: BrokerLogEntry[];
	readonly #authority: TestAuthority;
	readonly #onLog: Set<() => void>;

	private constructor(
		parts: Pick<
			TestBroker,
			"broker" | "ingest" | "certificates" | "presence" | "log"
		>,
		authority: TestAuthority,
		onLog: Set<() => void>,
	) {
		this.broker = parts.broker;
		this.ingest = parts.ingest;
		this.certificates = parts.certificates;
		this.presence = parts.presence;
		this.log = parts.log;
		this.#authority = authority;
		this.#onLog = onLog;
	}

	static async start(
		authority: TestAuthority,
		options: Partial<Pick<BrokerDeps, "limits" | "port" | "services">> = {},
	): Promise<TestBroker> {
		const ingest = new FakeIngest();
		const certificates = new MemoryCertificates();
		const presence: string[] = [];
		const log: BrokerLogEntry[] = [];
		const onLog = new Set<() => void>();
		const broker = await startBroker({
			ingest,
			certificates,
			devices: {
				connected: (name) => void presence.push(`+${name}`),
				disconnected: (name) => void presence.push(`-${name}`),
			},
			tls: authority.server,
			host: "127.0.0.1",
			port: 0,
			log: (entry) => {
				log.push(entry);
				for (const listener of onLog) listener();
			},
			...options,
		});
		const parts = { broker, ingest, certificates, presence, log };
		return new TestBroker(parts, authority, onLog);
	}

	/** Issues a certificate and registers it, as provisioning does. */
	async provision(thing: string): Promise<ClientIdentity> {
		const identity = await this.#authority.issue(thing);
		await this.register(thing, identity);
		return identity;
	}

	async register(thing: string, identity: ClientIdentity): Promise<void> {
		const { certificateId } = identity;
		await this.certificates.add({
			certificateId,
			thing,
			status: "ACTIVE",
			createdMs: 0,
		});
	}

	/** TLS alone, without CONNECT. */
	open(
		identity: Pick<ClientIdentity, "key" | "cert"> | null,
	): Promise<RawClient> {
		return RawClient.open(
			this.broker.port,
			this.#authority.server.ca,
			identity,
		);
	}

	/** A provisioned thing that is connected. */
	async client(thing: string): Promise<RawClient> {
		const client = await this.open(await this.provision(thing));
		const returnCode = await client.connect(thing);
		if (returnCode !== 0) throw new Error(`CONNACK ${returnCode}`);
		return client;
	}

	/** Resolves with the first log entry that has these values. */
	async logged(expected: Partial<BrokerLogEntry>): Promise<BrokerLogEntry> {
		const wanted = Object.entries(expected);
		for (;;) {
			const found = this.log.find((entry) =>
				wanted.every(
					([key, value]) => entry[key as keyof BrokerLogEntry] === value,
				),
			);
			if (found !== undefined) return found;
			await new Promise<void>((resolve) => this.#onLog.add(resolve));
		}
	}
}
