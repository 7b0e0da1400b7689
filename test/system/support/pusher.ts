/** A thing that pushes blocks as fast as the cloud acknowledges them, and remembers which those are. */

import { RawClient } from "../../../cloud/local/broker/fakes/raw-client.ts";
import type { MachineIdentity } from "../../../firmware/boards/virtual/identity.ts";
import { encodeBlock } from "../../../protocol/encode.ts";
import { blockTopic } from "../../../protocol/topics.ts";
import type { Stored } from "./api.ts";

const WINDOW = 100;
/** As packet ids: each stands for one block. */
const MAX_BLOCKS = 65_535;
export const SAMPLES = 10;
const INTERVAL_MS = 1000;
/** Longer than any of its blocks. */
const MAX_BLOCK_BYTES = 8192;

export class Pusher {
	readonly acknowledged = new Set<number>();
	/** Blocks published, again and again perhaps, but in the order of their numbers at first. */
	sent = 0;
	readonly #identity: MachineIdentity;
	readonly #startMs: number;
	readonly #boot: number;
	readonly #noise: (n: number) => number;
	#client: RawClient | undefined;

	/** @param boot blocks of another one are others */
	constructor(identity: MachineIdentity, startMs: number, boot = 1) {
		this.#boot = boot;
		this.#identity = identity;
		this.#startMs = startMs;
		// Spread over all that an int32 holds, so that blocks are large and no two alike.
		this.#noise = (n) => (Math.imul(n + 1, 0x9e3779b1) | 0) >> 1;
	}

	/** The channel's value of reading `n` since the first. */
	valueOf(n: number): number {
		return this.#noise(n);
	}

	/**
	 * Connects and pushes until `until` says that it is enough, or the connection ends. What was not acknowledged before
	 * goes first; block `most` and later ones are not sent.
	 * @returns whether it was enough
	 */
	async push(until: () => boolean, most = MAX_BLOCKS): Promise<boolean> {
		const { thing, port, credentials } = this.#identity;
		if (credentials === undefined) throw new Error(`${thing} has no key.`);
		const { ca, privateKey: key, certificate: cert } = credentials;
		const client = await RawClient.open(port, ca, { key, cert });
		this.#client = client;
		if ((await client.connect(thing)) !== 0) return false;
		const again = this.unacknowledged();
		let inFlight = 0;
		for (;;) {
			for (; inFlight < WINDOW; inFlight++) {
				const next = again.shift() ?? this.sent;
				if (next >= most) break;
				this.sent = Math.max(this.sent, next + 1);
				this.#publish(client, next);
			}
			const puback = await client.next("puback");
			if (puback === null) return false;
			inFlight--;
			this.acknowledged.add((puback.messageId ?? 0) - 1);
			if (until()) return true;
		}
	}

	/** Publishes again what has not been acknowledged, and waits until it is. */
	async finish(): Promise<void> {
		const { sent } = this;
		if (this.acknowledged.size === sent) return;
		await this.push(() => this.acknowledged.size === sent, sent);
		this.#client?.end();
	}

	/** Takes in the acknowledgements that have arrived and were not waited for. */
	async settle(): Promise<void> {
		for (;;) {
			const puback = await this.#client?.next("puback");
			if (puback === null || puback === undefined) return;
			this.acknowledged.add((puback.messageId ?? 0) - 1);
		}
	}

	unacknowledged(): number[] {
		return Array.from({ length: this.sent }, (_, n) => n).filter(
			(n) => !this.acknowledged.has(n),
		);
	}

	/** The readings of the blocks, by time. */
	readingsOf(blocks: Iterable<number>): Stored[] {
		return [...blocks]
			.sort((a, b) => a - b)
			.flatMap((block) =>
				Array.from({ length: SAMPLES }, (_, i) => {
					const n = block * SAMPLES + i;
					return {
						timeMs: this.#startMs + n * INTERVAL_MS,
						value: this.valueOf(n),
						estimated: false,
					};
				}),
			);
	}

	end(): void {
		this.#client?.end();
	}

	#publish(client: RawClient, n: number): void {
		client.publish(blockTopic(this.#identity.thing), this.block(n), n + 1);
	}

	/** The bytes of block `n`, the same every time. */
	block(n: number): Uint8Array {
		const out = new Uint8Array(MAX_BLOCK_BYTES);
		const sizeBytes = encodeBlock(
			{
				journalId: "00000000000000fe",
				boot: this.#boot,
				sequence: n,
				live: false,
				startUptimeMs: n * SAMPLES * INTERVAL_MS,
				intervalMs: INTERVAL_MS,
				sampleCount: SAMPLES,
				clock: { bootTimeMs: this.#startMs, source: "network" },
				channels: [{ id: "noise", unit: "", exponent: 0, kind: "gauge" }],
				columns: [
					Int32Array.from({ length: SAMPLES }, (_, i) =>
						this.valueOf(n * SAMPLES + i),
					),
				],
			},
			out,
		);
		return out.subarray(0, sizeBytes);
	}
}
