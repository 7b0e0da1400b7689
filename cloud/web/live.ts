/**
 * News: the live stream, which connects, connects again when it breaks, and says which of the two it is doing; or asking
 * again and again where nothing is streamed.
 */
import type { Block } from "../../protocol/block.ts";
import {
	ApiError,
	getBlocks,
	getDevice,
	listDevices,
	whoIsSignedIn,
} from "./client.ts";
import { pageConfig } from "./config.ts";
import { fromBase64 } from "./framing.ts";
import { type PollDeps, pollLive } from "./poll-live.ts";
import { decodeOrNull } from "./readings.ts";

export type LinkState = "connecting" | "open" | "lost";

export interface LiveHandlers {
	onState(state: LinkState): void;
	/** What was recent has been sent: from here on it is news. */
	onReady(): void;
	onLive(device: string, block: Block): void;
	/** A live block came whose values are damaged. */
	onUnreadable(device: string): void;
	/** A block has been stored; `startMs` is null while its time is not known. */
	onBlock(device: string, startMs: number | null, spanMs: number): void;
	onDevice(device: string, online: boolean, lastSeen: string | null): void;
	/** Where a rule stands for a device has changed. */
	onAlert(device: string): void;
	/** The session is over. */
	onSignedOut(): void;
}

const RETRY_MS = 3_000;

/** @param device one device, or null for all  @returns what ends it */
export function followLive(
	device: string | null,
	handlers: LiveHandlers,
): () => void {
	return pageConfig().live === "poll"
		? pollLive(device, handlers, POLL_DEPS)
		: streamLive(device, handlers);
}

const POLL_DEPS: PollDeps = {
	nowMs: () => Date.now(),
	after(delayMs, run) {
		const timer = window.setTimeout(run, delayMs);
		return () => window.clearTimeout(timer);
	},
	isHidden: () => document.hidden,
	onShown(run) {
		const listener = () => {
			if (!document.hidden) run();
		};
		document.addEventListener("visibilitychange", listener);
		return () => document.removeEventListener("visibilitychange", listener);
	},
	listDevices: () => listDevices(),
	getDevice,
	getBlocks,
	isSignedOut: (error) => error instanceof ApiError && error.status === 401,
};

function streamLive(device: string | null, handlers: LiveHandlers): () => void {
	let source: EventSource | null = null;
	let timer = 0;
	let isOver = false;
	const query = device === null ? "" : `?device=${encodeURIComponent(device)}`;

	function connect(): void {
		source = new EventSource(`/v1/live${query}`);
		source.onopen = () => handlers.onState("open");
		source.onerror = () => {
			handlers.onState("lost");
			// The browser tries again by itself unless the cloud refused: then this does.
			if (source?.readyState === EventSource.CLOSED) {
				timer = window.setTimeout(retry, RETRY_MS);
			}
		};
		source.addEventListener("ready", () => handlers.onReady());
		source.addEventListener("live", (event) => {
			const data: { device: string; block: string } = JSON.parse(event.data);
			const block = decodeOrNull(fromBase64(data.block));
			if (block === null) handlers.onUnreadable(data.device);
			else handlers.onLive(data.device, block);
		});
		source.addEventListener("block", (event) => {
			const data: { device: string; start: string | null; spanMs: number } =
				JSON.parse(event.data);
			const startMs = data.start === null ? null : Date.parse(data.start);
			handlers.onBlock(data.device, startMs, data.spanMs);
		});
		source.addEventListener("device", (event) => {
			const data: { device: string; online: boolean; lastSeen: string | null } =
				JSON.parse(event.data);
			handlers.onDevice(data.device, data.online, data.lastSeen);
		});
		source.addEventListener("alert", (event) => {
			const data: { device: string } = JSON.parse(event.data);
			handlers.onAlert(data.device);
		});
	}

	async function retry(): Promise<void> {
		let signedIn = true;
		try {
			signedIn = (await whoIsSignedIn()) !== null;
		} catch {
			// Not reachable says nothing about the session: try again.
			if (!isOver) timer = window.setTimeout(retry, RETRY_MS);
			return;
		}
		if (isOver) return;
		if (signedIn) connect();
		else handlers.onSignedOut();
	}

	handlers.onState("connecting");
	connect();
	return () => {
		isOver = true;
		window.clearTimeout(timer);
		source?.close();
	};
}
