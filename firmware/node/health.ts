/** How the node is doing, as channels of an ordinary stream of blocks. */
import { type Channel, MISSING } from "../../protocol/block.ts";
import type { ResetReason } from "../../protocol/documents.ts";
import type { HeapUse, Network, System } from "./ports.ts";
import type { RowSource } from "./sampler.ts";

/** The value of `health.reset`; a number once given is never given again. */
export const RESET_CODES: Readonly<Record<ResetReason, number>> = Object.freeze(
	{
		unknown: 0,
		power_on: 1,
		restart: 2,
		crash: 3,
		out_of_memory: 4,
		stack_overflow: 5,
		watchdog: 6,
		brown_out: 7,
		deep_sleep: 8,
	},
);

/** What only the node itself can count. Since boot, but for `depth` (now) and `dropped` (since the format). */
export interface HealthFigures {
	readonly boot: number;
	readonly depth: number;
	readonly dropped: number;
	readonly reconnects: number;
	readonly missedSamples: number;
	readonly liveDropped: number;
	readonly sensorFaults: number;
}

type Read = (
	figures: HealthFigures,
	system: System,
	network: Network,
	heap: HeapUse,
) => number | undefined;

function gauge(id: string, unit: string, read: Read): readonly [Channel, Read] {
	return [{ id: `health.${id}`, unit, exponent: 0, kind: "gauge" }, read];
}

function counter(id: string, read: Read): readonly [Channel, Read] {
	return [{ id: `health.${id}`, unit: "", exponent: 0, kind: "counter" }, read];
}

const CHANNELS: readonly (readonly [Channel, Read])[] = [
	gauge("boot", "", (figures) => figures.boot),
	gauge("reset", "", (_, system) => RESET_CODES[system.resetReason]),
	gauge(
		"heap_peak",
		"B",
		(_figures, _system, _network, heap) => heap.peakBytes,
	),
	gauge("heap_free", "B", (_figures, _system, _network, heap) =>
		heap.limitBytes === 0 ? undefined : heap.limitBytes - heap.peakBytes,
	),
	gauge("rssi", "dBm", (_figures, _system, network) => network.rssi()),
	gauge("depth", "", (figures) => figures.depth),
	counter("dropped", (figures) => figures.dropped),
	counter("reconnects", (figures) => figures.reconnects),
	counter("missed", (figures) => figures.missedSamples),
	counter("live_dropped", (figures) => figures.liveDropped),
	counter("sensor_faults", (figures) => figures.sensorFaults),
];

export class HealthSource implements RowSource {
	readonly channels: readonly Channel[] = CHANNELS.map(([channel]) => channel);
	readonly channelCount = CHANNELS.length;
	readonly #figures: HealthFigures;
	readonly #system: System;
	readonly #network: Network;

	/** @param figures looked at whenever a sample is taken */
	constructor(figures: HealthFigures, system: System, network: Network) {
		this.#figures = figures;
		this.#system = system;
		this.#network = network;
	}

	read(row: Int32Array): void {
		const figures = this.#figures;
		const system = this.#system;
		const network = this.#network;
		const heap = system.heap();
		for (let index = 0; index < CHANNELS.length; index++)
			row[index] =
				CHANNELS[index]?.[1](figures, system, network, heap) ?? MISSING;
	}
}
