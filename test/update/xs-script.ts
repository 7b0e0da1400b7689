/** Runs on XS: makes one update out of a difference, in flash that is part of its heap. Hashes and signatures are the other side's. */
import { HeapFlash } from "../../firmware/node/heap-flash.ts";
import type { TimerHandle } from "../../firmware/node/ports.ts";
import { hexOf } from "../../firmware/node/update-check.ts";
import type {
	ByteSource,
	UpdateCrypto,
	UpdateSlots,
} from "../../firmware/node/update-ports.ts";
import { Updater } from "../../firmware/node/updater.ts";

interface Host {
	call(message: Uint8Array): ArrayBuffer;
	post(message: Uint8Array): void;
	collect(): void;
	heap(): { readonly chunkUsed: number; readonly slotUsed: number };
	utf8Encode(text: string): ArrayBuffer;
	utf8Decode(bytes: ArrayBuffer): string;
	onMessage: (message: ArrayBuffer) => void;
	onIdle: () => void;
}

/** All bytes in hexadecimal. */
export interface UpdateMessage {
	readonly base: string;
	readonly manifest: string;
	readonly signature: string;
	readonly delta: string;
	readonly key: string;
	readonly slotSectors: number;
}

export type UpdateCall =
	| { readonly call: "sha256"; readonly bytes: string }
	| {
			readonly call: "verify";
			readonly point: string;
			readonly hash: string;
			readonly signature: string;
	  };

export interface UpdateResult {
	readonly events: readonly string[];
	/** Live in the heap while the update was under way, above what was before it: with what settings keep, which are in the heap here. */
	readonly heapBytes: number;
}

const { host } = globalThis as unknown as { host: Host };
const SECTOR_BYTES = 4096;

function ask(call: UpdateCall): Uint8Array {
	const message = new Uint8Array(host.utf8Encode(JSON.stringify(call)));
	return new Uint8Array(host.call(message));
}

const crypto: UpdateCrypto = {
	sha256() {
		let bytes = "";
		return {
			update(more) {
				bytes += hexOf(more);
			},
			digest: () => ask({ call: "sha256", bytes }),
		};
	},
	verifyP256: (point, hash, signature) =>
		ask({
			call: "verify",
			point: hexOf(point),
			hash: hexOf(hash),
			signature: hexOf(signature),
		})[0] === 1,
};

function fromHex(text: string): Uint8Array {
	const bytes = new Uint8Array(text.length / 2);
	for (let i = 0; i < bytes.length; i++)
		bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
	return bytes;
}

function liveBytes(): number {
	host.collect();
	const { chunkUsed, slotUsed } = host.heap();
	return chunkUsed + slotUsed;
}

function update(message: UpdateMessage): UpdateResult {
	const events: string[] = [];
	const queue: (() => void)[] = [];
	const idle = new HeapFlash(message.slotSectors, SECTOR_BYTES);
	const base = fromHex(message.base);
	const delta = fromHex(message.delta);
	const settings: Record<string, string> = {};
	let activations = 0;
	let before = 0;
	let heapBytes = 0;
	const slots: UpdateSlots = {
		onTrial: false,
		runningSlot: 0,
		idleSlot: 1,
		idle,
		running: {
			sizeBytes: idle.sizeBytes,
			read: (offset, into) =>
				into.set(base.subarray(offset, offset + into.length)),
		},
		activate() {
			activations++;
		},
		confirm: () => undefined,
		rollBack() {
			throw new Error("There is no slot before.");
		},
	};
	const source: ByteSource = {
		rangeBytes: 1000,
		fetch(offset, length, sink) {
			queue.push(() => {
				for (let at = offset; at < offset + length; at += 100)
					sink.onBytes(delta.subarray(at, Math.min(at + 100, offset + length)));
				heapBytes = Math.max(heapBytes, liveBytes() - before);
				sink.onEnd();
			});
			return { cancel: () => undefined };
		},
	};
	const updater = new Updater({
		system: {
			log: () => undefined,
			random: (into) => void into.fill(1),
		},
		timers: {
			uptimeMs: () => 0,
			set(callback) {
				queue.push(callback);
				return {} as TimerHandle;
			},
			clear: () => undefined,
		},
		settings: {
			get: (key) => settings[key],
			set(key, value) {
				settings[key] = value;
				return null;
			},
			delete(key) {
				delete settings[key];
				return null;
			},
		},
		slots,
		crypto,
		running: {
			project: "thinghz",
			board: "esp32c3",
			version: "1.0.0",
			securityVersion: 0,
			key: message.key,
		},
		events: {
			onProgress: ({ step, kind }) => {
				const event = `${step} ${kind}`;
				if (events[events.length - 1] !== event) events.push(event);
			},
			onExpired: () => void events.push("expired"),
			onFailed: (reason) => void events.push(`failed ${reason}`),
			onReady: () => void events.push(`ready ${activations}`),
		},
	});
	before = liveBytes();
	const refused = updater.start({
		id: "job-1",
		manifest: fromHex(message.manifest),
		signature: fromHex(message.signature),
		delta: source,
	});
	if (refused !== null) events.push(`refused ${refused}`);
	for (let act = queue.shift(); act !== undefined; act = queue.shift()) act();
	return { events, heapBytes };
}

host.onMessage = (bytes) => {
	const message = JSON.parse(host.utf8Decode(bytes)) as UpdateMessage;
	const result = JSON.stringify(update(message));
	host.post(new Uint8Array(host.utf8Encode(result)));
};
host.onIdle = () => undefined;
