/**
 * News where nothing is streamed: asks every few seconds who is there and what has been stored, and tells it as the
 * stream would. There are no live samples that way. While nobody looks at the page it does not ask.
 */
import type { DeviceInfo } from "./client.ts";
import type { PlacedBlock } from "./framing.ts";
import type { LiveHandlers } from "./live.ts";
import { decodeOrNull } from "./readings.ts";

/** One device: a block comes every few minutes, and whoever waits for it looks at the chart. */
const DEVICE_EVERY_MS = 5_000;
/** All devices: who is there changes slowly, and the answer is long. */
const FLEET_EVERY_MS = 15_000;
/**
 * When a device was seen is noted every two hours where nothing is streamed, for each time is paid for. A block of one that
 * is connected comes every few minutes all the same.
 */
const STORED_EVERY_MS = 300_000;
/** How far back the first look goes for the block that is the newest yet: the longest span that a node has by itself, and some. */
const FIRST_LOOK_MS = 3_600_000;

export interface PollDeps {
	readonly nowMs: () => number;
	readonly after: (delayMs: number, run: () => void) => () => void;
	readonly isHidden: () => boolean;
	/** @returns what ends it */
	readonly onShown: (run: () => void) => () => void;
	readonly listDevices: () => Promise<readonly DeviceInfo[]>;
	readonly getDevice: (name: string) => Promise<DeviceInfo>;
	readonly getBlocks: (
		name: string,
		fromMs: number,
		toMs: number,
	) => Promise<readonly PlacedBlock[]>;
	/** Whether an error says that the session is over. */
	readonly isSignedOut: (error: unknown) => boolean;
}

/** @param device one device, or null for all  @returns what ends it */
export function pollLive(
	device: string | null,
	handlers: LiveHandlers,
	deps: PollDeps,
): () => void {
	const known = new Map<string, DeviceInfo>();
	/** When it was last told that a device has stored something. */
	const toldOfMs = new Map<string, number>();
	/** Where the newest block that has been told of ends. */
	let toldMs: number | null = null;
	let isOpen = false;
	let isOver = false;
	let isAsking = false;
	let cancel: () => void = () => undefined;
	const everyMs = device === null ? FLEET_EVERY_MS : DEVICE_EVERY_MS;

	async function ask(): Promise<void> {
		if (isAsking || isOver) return;
		isAsking = true;
		cancel();
		try {
			if (!deps.isHidden()) await look();
		} catch (error) {
			if (isOver) return;
			if (deps.isSignedOut(error)) {
				end();
				handlers.onSignedOut();
				return;
			}
			isOpen = false;
			handlers.onState("lost");
		} finally {
			isAsking = false;
		}
		if (!isOver) cancel = deps.after(everyMs, () => void ask());
	}

	async function look(): Promise<void> {
		const devices =
			device === null
				? await deps.listDevices()
				: [await deps.getDevice(device)];
		if (isOver) return;
		const isFirst = !isOpen;
		if (isFirst) {
			isOpen = true;
			handlers.onState("open");
			handlers.onReady();
		}
		for (const one of devices) tell(one, isFirst);
		if (device !== null) await lookForBlocks(device);
	}

	function tell(one: DeviceInfo, isFirst: boolean): void {
		const { name, online, lastSeen } = one;
		const before = known.get(name);
		known.set(name, one);
		const nowMs = deps.nowMs();
		// Whoever has just been told to begin asks for all there is.
		if (isFirst) {
			toldOfMs.set(name, nowMs);
			return;
		}
		const wasSeen = before?.lastSeen === lastSeen;
		if (!wasSeen || before?.online !== online) {
			handlers.onDevice(name, online, lastSeen);
		}
		if (device !== null) return;
		const sinceMs = nowMs - (toldOfMs.get(name) ?? 0);
		if (wasSeen && !(online && sinceMs >= STORED_EVERY_MS)) return;
		toldOfMs.set(name, nowMs);
		handlers.onBlock(name, null, 0);
	}

	async function lookForBlocks(name: string): Promise<void> {
		const nowMs = deps.nowMs();
		const isFirst = toldMs === null;
		const blocks = await deps.getBlocks(
			name,
			toldMs ?? nowMs - FIRST_LOOK_MS,
			nowMs,
		);
		if (isOver) return;
		toldMs ??= nowMs - FIRST_LOOK_MS;
		for (const { startMs, bytes } of blocks) {
			const spanMs = spanOf(bytes);
			toldMs = Math.max(toldMs, startMs + spanMs);
			if (!isFirst) handlers.onBlock(name, startMs, spanMs);
		}
	}

	const endShown = deps.onShown(() => void ask());

	function end(): void {
		isOver = true;
		cancel();
		endShown();
	}

	handlers.onState("connecting");
	void ask();
	return end;
}

/** Of a block that cannot be read, as little as there is: it is told of, and whoever loads it says that it is damaged. */
function spanOf(bytes: Uint8Array): number {
	const block = decodeOrNull(bytes);
	return block === null ? 1 : block.sampleCount * block.intervalMs;
}
