/** How the node is doing, as channels of an ordinary stream of blocks. */
import { type Channel, MISSING } from "../../protocol/block.ts";
import { RESET_CODES } from "../../protocol/health-states.ts";
import type { Network, System } from "./ports.ts";
import type { RowSource } from "./sampler.ts";

/**
 * What only the node itself can tell. Counts are since boot, but for `depth` (now) and `dropped` (since the format); states
 * are numbers of `protocol/health-states.ts`.
 */
export interface HealthFigures {
	readonly boot: number;
	readonly depth: number;
	readonly dropped: number;
	readonly reconnects: number;
	readonly missedSamples: number;
	readonly liveDropped: number;
	readonly sensorFaults: number;
	readonly link: number;
	readonly clock: number;
	readonly sensors: number;
	readonly settings: number;
	readonly journal: number;
}

function gauge(id: string, unit = ""): Channel {
	return { id: `health.${id}`, unit, exponent: 0, kind: "gauge" };
}

function counter(id: string): Channel {
	return { id: `health.${id}`, unit: "", exponent: 0, kind: "counter" };
}

/** In the order in which `read` fills a row. */
const CHANNELS: readonly Channel[] = [
	gauge("boot"),
	gauge("reset"),
	gauge("heap_peak", "B"),
	gauge("heap_free", "B"),
	gauge("rssi", "dBm"),
	gauge("depth"),
	counter("dropped"),
	counter("reconnects"),
	counter("missed"),
	counter("live_dropped"),
	counter("sensor_faults"),
	gauge("link"),
	gauge("clock"),
	gauge("sensors"),
	gauge("settings"),
	gauge("journal"),
];

export class HealthSource implements RowSource {
	readonly channels = CHANNELS;
	readonly channelCount = CHANNELS.length;
	readonly #takeFigures: () => HealthFigures;
	readonly #system: Pick<System, "heap" | "resetReason">;
	readonly #network: Pick<Network, "rssi">;

	/** @param takeFigures called once a sample: a state is told as it was since the call before */
	constructor(
		takeFigures: () => HealthFigures,
		system: Pick<System, "heap" | "resetReason">,
		network: Pick<Network, "rssi">,
	) {
		this.#takeFigures = takeFigures;
		this.#system = system;
		this.#network = network;
	}

	read(row: Int32Array): void {
		const figures = this.#takeFigures();
		const { peakBytes, limitBytes } = this.#system.heap();
		row[0] = figures.boot;
		row[1] = RESET_CODES[this.#system.resetReason];
		row[2] = peakBytes;
		row[3] = limitBytes === 0 ? MISSING : limitBytes - peakBytes;
		row[4] = this.#network.rssi() ?? MISSING;
		row[5] = figures.depth;
		row[6] = figures.dropped;
		row[7] = figures.reconnects;
		row[8] = figures.missedSamples;
		row[9] = figures.liveDropped;
		row[10] = figures.sensorFaults;
		row[11] = figures.link;
		row[12] = figures.clock;
		row[13] = figures.sensors;
		row[14] = figures.settings;
		row[15] = figures.journal;
	}
}
