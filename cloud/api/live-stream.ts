/**
 * What happens now, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 * A client that does not keep up is cut off when its buffer is full; it then connects again and starts from what is
 * recent, so nothing grows without end and nobody sees old news for new.
 */

import { toBase64 } from "../core/base64.ts";
import type { LiveEvent } from "../core/live-hub.ts";
import type { LiveSource } from "./ports.ts";
import { nullableIsoTime } from "./schemas.ts";
import { isoTime } from "./time.ts";

export interface LiveStreamOptions {
	readonly hub: LiveSource;
	/** Whether to tell of a device now. */
	readonly sees: (thing: string) => boolean;
	/** Devices whose recent live blocks are sent first, and how many at most of each. */
	readonly replay: {
		readonly things: readonly string[];
		readonly limit: number;
	};
	readonly heartbeatMs: number;
	readonly bufferBytes: number;
	/** Asked at each heartbeat: false ends the stream, because the session has ended. Must not reject. */
	readonly goesOn: () => Promise<boolean>;
}

export function eventText(event: LiveEvent): string {
	switch (event.type) {
		case "live":
			return sse("live", { device: event.thing, block: toBase64(event.bytes) });
		case "block":
			return sse("block", {
				device: event.thing,
				start: nullableIsoTime(event.startMs),
				spanMs: event.spanMs,
			});
		case "device":
			return sse("device", {
				device: event.thing,
				online: event.online,
				lastSeen: nullableIsoTime(event.lastSeenMs),
			});
		case "alert":
			return sse("alert", {
				device: event.thing,
				rule: event.ruleId,
				name: event.ruleName,
				status: event.status,
				since: isoTime(event.sinceMs),
				text: event.text,
			});
	}
}

function sse(name: string, data: object): string {
	return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

export function liveStream(
	options: LiveStreamOptions,
): ReadableStream<Uint8Array> {
	const { hub, sees, heartbeatMs, bufferBytes } = options;
	const encoder = new TextEncoder();
	const waiting: Uint8Array[] = [];
	let waitingBytes = 0;
	let wake: (() => void) | null = null;
	let isEnded = false;
	let isBeating = false;
	let unsubscribe: () => void = () => undefined;
	let heartbeat: ReturnType<typeof setInterval> | undefined;
	let replay: Iterator<string> | null = null;

	function end(): void {
		if (isEnded) return;
		isEnded = true;
		unsubscribe();
		clearInterval(heartbeat);
		wake?.();
	}

	function push(text: string): void {
		const bytes = encoder.encode(text);
		if (waitingBytes + bytes.length > bufferBytes) {
			waiting.length = 0;
			end();
			return;
		}
		waiting.push(bytes);
		waitingBytes += bytes.length;
		wake?.();
	}

	async function beat(): Promise<void> {
		if (isBeating) return;
		isBeating = true;
		const goesOn = await options.goesOn();
		isBeating = false;
		if (isEnded) return;
		if (goesOn) push(": alive\n\n");
		else end();
	}

	/**
	 * At the first read, since a stream that nobody reads, such as that of a HEAD, is never cancelled either. In one go:
	 * what is recent comes first and nothing comes twice or is missed.
	 */
	function begin(): Iterator<string> {
		unsubscribe = hub.subscribe((event) => {
			if (sees(event.thing)) push(eventText(event));
		});
		heartbeat = setInterval(() => void beat(), heartbeatMs);
		return replayOf(options);
	}

	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				replay ??= begin();
				const replayed = replay.next();
				if (replayed.done !== true) {
					controller.enqueue(encoder.encode(replayed.value));
					return;
				}
				if (waiting.length === 0 && !isEnded) {
					await new Promise<void>((resolve) => {
						wake = resolve;
					});
					wake = null;
				}
				if (isEnded) {
					controller.close();
					return;
				}
				const bytes = waiting.shift();
				if (bytes === undefined) return;
				waitingBytes -= bytes.length;
				controller.enqueue(bytes);
			},
			cancel: end,
		},
		{ highWaterMark: 0 },
	);
}

function replayOf({ hub, replay }: LiveStreamOptions): Iterator<string> {
	const recent = replay.things.map((thing) => ({
		thing,
		blocks: replay.limit === 0 ? [] : hub.recent(thing).slice(-replay.limit),
	}));
	return (function* () {
		// Something at once, so that the client knows that it is connected.
		yield "retry: 2000\n: connected\n\n";
		for (const { thing, blocks } of recent) {
			for (const bytes of blocks)
				yield eventText({ type: "live", thing, bytes });
		}
		yield sse("ready", {});
	})();
}
