/** The MQTT broker of the cloud on one machine: mutual TLS, one identity a thing, PUBACK after commit. */
import type { CertificateStore } from "../../core/ports.ts";
import type {
	DeviceSender,
	ReservedService,
} from "../../core/reserved-topics.ts";
import type { DropReason } from "./errors.ts";
import { makeServer } from "./listen.ts";
import { LocalBroker } from "./local-broker.ts";

export interface BrokerLogEntry {
	readonly event:
		| "connected"
		| "disconnected"
		| "refused"
		| "dropped"
		| "failed";
	readonly thing: string | null;
	readonly remoteAddress: string;
	/** Why, for "refused", "dropped" and "failed". */
	readonly reason?:
		| DropReason
		| "presence_failed"
		| "recheck_failed"
		| "retire_failed";
	readonly cause?: unknown;
}

export interface BrokerStats {
	/** Things connected now. */
	readonly connections: number;
	/** PUBLISH packets received since the start. */
	readonly publishes: number;
	/** PUBACKs written for ingested messages since the start. */
	readonly acknowledged: number;
	/** Publishes discarded by the rate limit since the start. */
	readonly throttled: number;
	/** Bytes held for messages that are not committed yet. */
	readonly pendingBytes: number;
	/** Connections refused or dropped since the start, by reason. */
	readonly drops: Readonly<Partial<Record<DropReason, number>>>;
}

export interface BrokerDeps {
	readonly ingest: {
		/** Resolves when the message is durable. */
		accept(message: {
			readonly thing: string;
			readonly topic: string;
			readonly payload: Uint8Array;
		}): Promise<unknown>;
	};
	readonly devices: {
		connected(name: string): Promise<void> | void;
		disconnected(name: string): Promise<void> | void;
	};
	readonly certificates: CertificateStore;
	/** Those who answer what things ask on reserved topics; a topic is for the first that answers it. */
	readonly services?: readonly ReservedService[];
	/** PEM: the server's key and certificate, and the one authority whose client certificates are taken. */
	readonly tls: {
		readonly key: string;
		readonly cert: string;
		readonly ca: string;
	};
	readonly host: string;
	/** 0 takes a free one. */
	readonly port: number;
	readonly log?: (entry: BrokerLogEntry) => void;
	readonly limits?: {
		/** AWS discards publishes beyond 100 a second and connection; null, the default, is no limit. */
		readonly maxPublishesPerSecond?: number | null;
		/** Uncommitted bytes of one connection, from which on it is not read. */
		readonly maxConnectionBytes?: number;
		/** Uncommitted bytes of all connections, from which on those that send are not read. */
		readonly maxOverallBytes?: number;
		/** How often connected certificates are looked up again for revocation. */
		readonly recheckMs?: number;
		/** How long `close` waits for commits before it drops what is left. */
		readonly drainTimeoutMs?: number;
	};
}

export interface Broker extends DeviceSender {
	readonly port: number;
	readonly stats: BrokerStats;
	/** Ends the connection of a thing whose certificates have been revoked. No effect where it has none. */
	disconnect(thing: string): void;
	/**
	 * Takes no more connections and packets, waits until what was taken in is committed and acknowledged (at most
	 * `drainTimeoutMs`), then ends all connections.
	 */
	close(): Promise<void>;
}

/** @throws BrokerError when it cannot listen or its TLS identity is unusable */
export async function startBroker(deps: BrokerDeps): Promise<Broker> {
	const server = makeServer(deps.tls);
	const broker = new LocalBroker(deps, server);
	await broker.start();
	return broker;
}
