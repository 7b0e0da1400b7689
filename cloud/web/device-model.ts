/** One device as its page shows it: which window of time, what is loaded of it, and what arrives meanwhile. */
import { type Signal, signal } from "@preact/signals";
import { AlertList } from "./alert-model.ts";
import { messageOf, signedOut } from "./app-state.ts";
import {
	type Aggregate,
	ApiError,
	type DeviceInfo,
	getAggregate,
	getBlocks,
	getDevice,
} from "./client.ts";
import { followLive, type LinkState } from "./live.ts";
import {
	bucketWindow,
	type Range,
	step,
	type View,
	type Window,
	windowOf,
	withRange,
} from "./ranges.ts";
import { Readings } from "./readings.ts";

/** Charts are drawn again at most this often, ms. */
const REDRAW_MS = 200;
const MOVE_MS = 1_000;
const MIN_REFRESH_MS = 60_000;

export class DeviceModel {
	readonly name: string;
	readonly device: Signal<DeviceInfo | null> = signal(null);
	readonly error: Signal<string | null> = signal(null);
	/** There is none of that name, or none that may be seen: nothing more is asked of it. */
	readonly isUnknown = signal(false);
	readonly isLoading = signal(true);
	readonly link: Signal<LinkState> = signal("connecting");
	readonly view: Signal<View>;
	/** The window that the charts show now. */
	readonly window: Signal<Window>;
	readonly aggregate: Signal<Aggregate | null> = signal(null);
	readonly readings = new Readings();
	/** Blocks in the window that are damaged. */
	readonly unreadable = signal(0);
	/** Grows when there is something new to draw. */
	readonly revision = signal(0);

	#loading: AbortController | null = null;
	#loadedMs = 0;
	#redraw = 0;
	#wasReady = false;
	#isLearning = false;
	#stop: () => void = () => undefined;

	/** Of this device. */
	readonly alerts: AlertList;

	constructor(name: string, range: Range) {
		this.name = name;
		this.alerts = new AlertList(name);
		this.view = signal({ range, endMs: null });
		this.window = signal(windowOf(this.view.value, Date.now()));
	}

	/** Loads the device and its window, and follows what is new. @returns what ends it */
	open(): () => void {
		const endLive = followLive(this.name, {
			onState: (state) => {
				this.link.value = state;
			},
			onReady: () => {
				// After a break, whatever happened meanwhile has to be fetched.
				if (this.#wasReady) void this.load({ isFresh: true });
				this.#wasReady = true;
				this.#invalidate();
			},
			onLive: (_device, block) => {
				this.readings.addLive(block, Date.now());
				this.#invalidate();
				const known = this.device.value?.channels;
				if (known?.every(({ id }) => id !== block.channels[0]?.id)) {
					void this.#learnChannels();
				}
			},
			onUnreadable: () => {
				this.unreadable.value++;
			},
			onBlock: (_device, startMs, spanMs) => void this.#stored(startMs, spanMs),
			onDevice: (_device, online, lastSeen) => {
				const device = this.device.value;
				if (device !== null)
					this.device.value = { ...device, online, lastSeen };
			},
			onAlert: () => this.alerts.refresh(),
			onSignedOut: signedOut,
		});
		const closeAlerts = this.alerts.open();
		const timer = window.setInterval(() => this.#move(), MOVE_MS);
		this.#stop = () => {
			endLive();
			closeAlerts();
			window.clearInterval(timer);
			window.clearTimeout(this.#redraw);
			this.#loading?.abort();
		};
		void this.load();
		return () => this.#stop();
	}

	setRange(range: Range): void {
		this.#show(withRange(this.view.value, range, Date.now()));
	}

	step(direction: -1 | 1): void {
		this.#show(step(this.view.value, direction, Date.now()));
	}

	toNow(): void {
		this.#show({ ...this.view.value, endMs: null });
	}

	/** Fetches the window; an earlier fetch that is under way is given up. @param isFresh the device too */
	async load({ isFresh = false } = {}): Promise<void> {
		this.#loading?.abort();
		const loading = new AbortController();
		this.#loading = loading;
		this.isLoading.value = true;
		this.#loadedMs = Date.now();
		try {
			if (isFresh || this.device.value === null) await this.#loadDevice();
			if (loading.signal.aborted) return;
			const { range } = this.view.value;
			const shown = windowOf(this.view.value, Date.now());
			if (range.every === null) {
				const blocks = await getBlocks(
					this.name,
					shown.fromMs,
					shown.toMs,
					loading.signal,
				);
				this.readings.keepOnly(shown.fromMs, shown.toMs);
				this.unreadable.value = this.readings.addStored(blocks);
			} else {
				const { fromMs, toMs } = bucketWindow(shown, range.every.ms);
				this.aggregate.value = await getAggregate(
					this.name,
					fromMs,
					toMs,
					range.every.text,
					loading.signal,
				);
			}
			this.error.value = null;
		} catch (error) {
			if (loading.signal.aborted) return;
			this.error.value = messageOf(error);
			if (error instanceof ApiError && error.status === 404) {
				this.isUnknown.value = true;
				this.#stop();
			}
		}
		if (this.#loading !== loading) return;
		this.isLoading.value = false;
		this.#draw();
	}

	/** Live samples have a channel that was not there when the device was loaded. */
	async #learnChannels(): Promise<void> {
		if (this.#isLearning) return;
		this.#isLearning = true;
		try {
			await this.#loadDevice();
		} catch (error) {
			this.error.value = messageOf(error);
		}
		this.#isLearning = false;
	}

	async #loadDevice(): Promise<DeviceInfo> {
		const device = await getDevice(this.name);
		this.device.value = device;
		return device;
	}

	#show(view: View): void {
		const isOtherRange = view.range !== this.view.value.range;
		this.view.value = view;
		if (isOtherRange) this.aggregate.value = null;
		this.window.value = windowOf(view, Date.now());
		void this.load();
	}

	async #stored(startMs: number | null, spanMs: number): Promise<void> {
		const { fromMs, toMs } = this.window.value;
		if (this.view.value.range.every !== null) return;
		if (startMs === null) return this.load();
		if (startMs >= toMs || startMs + spanMs <= fromMs) return;
		try {
			this.unreadable.value += this.readings.addStored(
				await getBlocks(this.name, startMs, startMs + spanMs),
			);
			// It may be the first block with a channel that was not known.
			await this.#loadDevice();
			this.#invalidate();
		} catch (error) {
			this.error.value = messageOf(error);
		}
	}

	/** The window of a view that ends now moves on; buckets are fetched again when there is a new one. */
	#move(): void {
		const { endMs, range } = this.view.value;
		if (endMs !== null) return;
		const nowMs = Date.now();
		if (range.every === null) {
			this.#draw();
			return;
		}
		const refreshMs = Math.max(MIN_REFRESH_MS, range.every.ms / 5);
		if (nowMs - this.#loadedMs >= refreshMs) void this.load();
	}

	#invalidate(): void {
		if (this.#redraw !== 0) return;
		this.#redraw = window.setTimeout(() => this.#draw(), REDRAW_MS);
	}

	#draw(): void {
		window.clearTimeout(this.#redraw);
		this.#redraw = 0;
		this.window.value = windowOf(this.view.value, Date.now());
		this.revision.value++;
	}
}
