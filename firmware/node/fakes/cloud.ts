/** What a cloud does with a node's messages, in a few lines: stores each block once, and notices a broken identity. */
import { type Block, identityKey } from "../../../protocol/block.ts";
import { decodeBlock } from "../../../protocol/decode.ts";
import type { EventDocument } from "../../../protocol/documents.ts";
import { parsePublishTopic } from "../../../protocol/topics.ts";
import type { FakeMessage } from "./network.ts";

export class FakeCloud {
	/** Stored blocks by identity. */
	readonly blocks = new Map<string, Block>();
	readonly live: Block[] = [];
	readonly events: EventDocument[] = [];
	/** Blocks that came again. */
	repeated = 0;
	readonly #bytes = new Map<string, Uint8Array>();

	readonly take = (message: FakeMessage): void => {
		const kind = parsePublishTopic(message.topic)?.kind;
		if (kind === "block") this.#store(message.payload);
		else if (kind === "live") this.live.push(decodeBlock(message.payload));
		else if (kind === "event")
			this.events.push(JSON.parse(Buffer.from(message.payload).toString()));
		else throw new Error(`Nothing may be published to ${message.topic}.`);
	};

	/** Stored readings of a stream whose first channel is `channel`, as "boot@uptime" → raw values. Each sample once. */
	samples(channel: string): Map<string, number[]> {
		const samples = new Map<string, number[]>();
		for (const block of this.blocks.values()) {
			if (block.channels[0]?.id !== channel) continue;
			for (let index = 0; index < block.sampleCount; index++) {
				const uptimeMs = block.startUptimeMs + index * block.intervalMs;
				const key = `${block.boot}@${uptimeMs}`;
				if (samples.has(key)) throw new Error(`Sample ${key} is there twice.`);
				samples.set(
					key,
					block.columns.map((column) => column[index] ?? 0),
				);
			}
		}
		return samples;
	}

	#store(payload: Uint8Array): void {
		const block = decodeBlock(payload);
		const key = identityKey(block);
		const stored = this.#bytes.get(key);
		if (stored === undefined) {
			this.#bytes.set(key, payload);
			this.blocks.set(key, block);
			return;
		}
		if (Buffer.compare(stored, payload) !== 0)
			throw new Error(`Two different blocks are called ${key}.`);
		this.repeated++;
	}
}
