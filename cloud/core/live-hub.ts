import type { AlertStatus } from "./alerts/ports.ts";

/** What happens now, for whoever looks on: pages that show live charts, `thinghz tail`. */
export type LiveEvent =
	/** A live message: a block that is never stored. */
	| {
			readonly type: "live";
			readonly thing: string;
			readonly bytes: Uint8Array;
	  }
	/** A block has been stored. `startMs` is null when it has no time of its own and is placed when read. */
	| {
			readonly type: "block";
			readonly thing: string;
			readonly startMs: number | null;
			readonly spanMs: number;
	  }
	/** A device has come or gone. */
	| {
			readonly type: "device";
			readonly thing: string;
			readonly online: boolean;
			readonly lastSeenMs: number | null;
	  }
	/** Where a rule stands for a device has changed. */
	| {
			readonly type: "alert";
			readonly thing: string;
			readonly ruleId: string;
			readonly ruleName: string;
			readonly status: AlertStatus;
			readonly sinceMs: number;
			/** What has happened, in a sentence; null when it is nothing that anybody is told. */
			readonly text: string | null;
	  };

/** Live messages kept of one thing: two default block spans at 1 Hz, so that a page that opens sees the open span. */
const KEPT_OF_A_THING = 600;
/** Bytes of live messages kept in all; the thing that has been silent longest is forgotten first. */
const KEPT_BYTES = 32 * 1024 * 1024;

export class LiveHub {
	readonly #listeners = new Set<(event: LiveEvent) => void>();
	/** In the order in which things were last heard. */
	readonly #recent = new Map<string, Uint8Array[]>();
	readonly #keptBytes: number;
	#sizeBytes = 0;

	constructor(options: { readonly keptBytes?: number } = {}) {
		this.#keptBytes = options.keptBytes ?? KEPT_BYTES;
	}

	/** Tells every listener, in the order they subscribed. A listener must not throw. */
	publish(event: LiveEvent): void {
		if (event.type === "live") this.#keep(event.thing, event.bytes);
		for (const listener of [...this.#listeners]) listener(event);
	}

	/** @returns what ends the subscription */
	subscribe(listener: (event: LiveEvent) => void): () => void {
		const own = (event: LiveEvent): void => listener(event);
		this.#listeners.add(own);
		return () => {
			this.#listeners.delete(own);
		};
	}

	/** The latest live messages of a thing, oldest first. */
	recent(thing: string): readonly Uint8Array[] {
		return this.#recent.get(thing)?.slice() ?? [];
	}

	#keep(thing: string, bytes: Uint8Array): void {
		const messages = this.#recent.get(thing) ?? [];
		this.#recent.delete(thing);
		this.#recent.set(thing, messages);
		messages.push(bytes);
		this.#sizeBytes += bytes.length;
		while (messages.length > KEPT_OF_A_THING) this.#shed(messages);
		for (const [silent, kept] of this.#recent) {
			while (this.#sizeBytes > this.#keptBytes && kept.length > 0) {
				this.#shed(kept);
			}
			if (this.#sizeBytes <= this.#keptBytes) break;
			this.#recent.delete(silent);
		}
	}

	#shed(messages: Uint8Array[]): void {
		this.#sizeBytes -= messages.shift()?.length ?? 0;
	}
}
