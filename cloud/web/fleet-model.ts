/** All devices as the list shows them, with the last minute of what they measure. */
import { type Signal, signal } from "@preact/signals";
import { type Block, MISSING } from "../../protocol/block.ts";
import { startMs, toValue } from "../../protocol/block-time.ts";
import { AlertList } from "./alert-model.ts";
import { messageOf, signedOut } from "./app-state.ts";
import { type DeviceInfo, getBlocks, listDevices } from "./client.ts";
import { isHealthChannel } from "./format.ts";
import { followLive, type LinkState } from "./live.ts";
import { Readings } from "./readings.ts";
import { joinRuns } from "./series.ts";

/** Latest values of a channel, oldest first, the newest last. */
export type Trace = readonly number[];

const TRACE_LENGTH = 60;
const REDRAW_MS = 250;
/** Devices whose last stored readings are fetched, so that a large fleet does not ask for everything. */
const MAX_FETCHED = 24;
const FETCHED_MS = 15 * 60_000;

export class FleetModel {
	readonly devices: Signal<readonly DeviceInfo[] | null> = signal(null);
	readonly error: Signal<string | null> = signal(null);
	readonly link: Signal<LinkState> = signal("connecting");
	readonly alerts = new AlertList(null);
	/** Grows when a trace has changed. */
	readonly revision = signal(0);

	readonly #traces = new Map<string, Map<string, number[]>>();
	readonly #lastUptimeMs = new Map<string, number>();
	/** When the first live sample of each was taken, ms. */
	readonly #firstLiveMs = new Map<string, number>();
	readonly #fetched = new Set<string>();
	readonly #closing = new AbortController();
	#redraw = 0;

	/** Follows the devices, once. @returns what ends it */
	open(): () => void {
		const endLive = followLive(null, {
			onState: (state) => {
				this.link.value = state;
				// Says why there is nothing to show.
				if (state === "lost" && this.devices.value === null) void this.load();
			},
			onReady: () => {
				this.#invalidate();
				void this.load();
			},
			onLive: (device, block) => this.#live(device, block),
			// The device's own page says so.
			onUnreadable: () => undefined,
			onBlock: (name) => void this.#refreshTrace(name),
			onDevice: (name, online, lastSeen) => {
				const devices = this.devices.value;
				if (devices === null) return;
				if (devices.every((device) => device.name !== name)) {
					void this.load();
					return;
				}
				this.devices.value = devices.map((device) =>
					device.name === name ? { ...device, online, lastSeen } : device,
				);
			},
			onAlert: () => this.alerts.refresh(),
			onSignedOut: signedOut,
		});
		const closeAlerts = this.alerts.open();
		return () => {
			closeAlerts();
			this.#closing.abort();
			endLive();
			window.clearTimeout(this.#redraw);
		};
	}

	/** The last values of a channel; empty when none are known. */
	trace(device: string, channel: string): Trace {
		return this.#traces.get(device)?.get(channel) ?? [];
	}

	async load(): Promise<void> {
		try {
			const devices = await listDevices(this.#closing.signal);
			this.devices.value = devices;
			this.error.value = null;
			for (const device of devices.slice(0, MAX_FETCHED)) {
				if (!this.#fetched.has(device.name)) await this.#fetchTrace(device);
			}
		} catch (error) {
			if (this.#closing.signal.aborted) return;
			this.error.value = messageOf(error);
		}
	}

	/** What was stored before the first live sample goes in front of the live ones. */
	async #fetchTrace(device: DeviceInfo): Promise<void> {
		const { name, channels, lastSeen, online } = device;
		if (lastSeen === null || channels.length === 0) return;
		this.#fetched.add(name);
		// One that is connected has been seen since.
		const toMs = online ? Date.now() : Date.parse(lastSeen) + 1;
		const fromMs = toMs - FETCHED_MS;
		const readings = new Readings();
		readings.addStored(
			await getBlocks(name, fromMs, toMs, this.#closing.signal),
		);
		const endMs = Math.min(toMs, (this.#firstLiveMs.get(name) ?? toMs) - 1);
		const traces = this.#tracesOf(name);
		for (const { id } of channels) {
			if (isHealthChannel(id)) continue;
			const { values } = joinRuns(
				readings.runs(id, fromMs, endMs),
				fromMs,
				endMs,
			);
			const stored = values.filter((value) => value !== null);
			const trace = [...stored, ...(traces.get(id) ?? [])];
			traces.set(id, trace.slice(-TRACE_LENGTH));
		}
		this.#invalidate();
	}

	/** Of a device that sends no live samples, what it has stored is all there is to show. */
	async #refreshTrace(name: string): Promise<void> {
		if (this.#firstLiveMs.has(name) || !this.#fetched.has(name)) return;
		const device = this.devices.value?.find((known) => known.name === name);
		if (device === undefined) return;
		this.#traces.delete(name);
		try {
			await this.#fetchTrace(device);
		} catch (error) {
			if (this.#closing.signal.aborted) return;
			this.error.value = messageOf(error);
		}
	}

	#tracesOf(device: string): Map<string, number[]> {
		const traces = this.#traces.get(device) ?? new Map<string, number[]>();
		this.#traces.set(device, traces);
		return traces;
	}

	#live(device: string, block: Block): void {
		const boot = `${device} ${block.journalId} ${block.boot} ${block.channels[0]?.id}`;
		// After a reconnection the recent ones come again.
		if ((this.#lastUptimeMs.get(boot) ?? -1) >= block.startUptimeMs) return;
		this.#lastUptimeMs.set(boot, block.startUptimeMs);
		const startedMs = startMs(block) ?? Date.now();
		if (!this.#firstLiveMs.has(device))
			this.#firstLiveMs.set(device, startedMs);
		const traces = this.#tracesOf(device);
		block.channels.forEach((channel, at) => {
			const raw = block.columns[at]?.[block.sampleCount - 1] ?? MISSING;
			if (raw === MISSING) return;
			const trace = traces.get(channel.id) ?? [];
			traces.set(channel.id, trace);
			trace.push(toValue(raw, channel.exponent));
			if (trace.length > TRACE_LENGTH) trace.shift();
		});
		this.#learnChannels(device, block, startedMs);
		this.#invalidate();
	}

	/** A device's first samples name channels that the list did not know when it was loaded. */
	#learnChannels(name: string, block: Block, seenMs: number): void {
		const device = this.devices.value?.find((known) => known.name === name);
		if (device === undefined) return;
		const unknown = block.channels.filter(({ id }) =>
			device.channels.every((known) => known.id !== id),
		);
		if (unknown.length === 0) return;
		const learned: DeviceInfo = {
			...device,
			lastSeen: new Date(seenMs).toISOString(),
			channels: [
				...device.channels,
				...unknown.map(({ id, unit, kind, exponent }) => ({
					id,
					unit,
					kind,
					resolution: 10 ** exponent,
				})),
			],
		};
		this.devices.value =
			this.devices.value?.map((known) =>
				known.name === name ? learned : known,
			) ?? null;
	}

	#invalidate(): void {
		if (this.#redraw !== 0) return;
		this.#redraw = window.setTimeout(() => {
			this.#redraw = 0;
			this.revision.value++;
		}, REDRAW_MS);
	}
}
