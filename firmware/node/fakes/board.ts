/** A board made of memory and virtual time. `flash` and `settings` outlive a restart: a new board is given them again. */
import { HeapFlash } from "../heap-flash.ts";
import type {
	Board,
	Flash,
	NodeReport,
	Sensor,
	SensorPort,
	Settings,
	System,
	TimeSource,
} from "../ports.ts";
import { FakeNetwork } from "./network.ts";
import { VirtualTimers } from "./virtual-timers.ts";

export class FakeSettings implements Settings {
	readonly values = new Map<string, string>();
	sets = 0;

	get(key: string): string | undefined {
		return this.values.get(key);
	}

	set(key: string, value: string): void {
		this.sets++;
		this.values.set(key, value);
	}

	delete(key: string): void {
		this.values.delete(key);
	}
}

/** Answers with what `wallMs` says, or with nothing. */
export class FakeTimeSource implements TimeSource {
	wallMs: () => number | null;
	requests = 0;
	readonly #timers: VirtualTimers;

	constructor(timers: VirtualTimers, wallMs: () => number | null) {
		this.#timers = timers;
		this.wallMs = wallMs;
	}

	request(callback: (wallMs: number | null) => void): void {
		this.requests++;
		this.#timers.set(() => callback(this.wallMs()), 50);
	}
}

/** Two channels whose raw values are told by `valueAt`; what was given is kept. */
export class FakeSensor implements SensorPort {
	readonly name = "fake";
	readonly channels = [
		channel("temperature", "°C", "temperature"),
		channel("humidity", "%", "humidity"),
	];
	/** Throws when opened or sampled. */
	broken = false;
	opens = 0;
	closes = 0;
	/** By uptime. */
	readonly given = new Map<number, readonly number[]>();
	readonly #timers: VirtualTimers;
	readonly #valueAt: (uptimeMs: number) => readonly [number, number];

	constructor(
		timers: VirtualTimers,
		valueAt: (uptimeMs: number) => readonly [number, number],
	) {
		this.#timers = timers;
		this.#valueAt = valueAt;
	}

	open(): Sensor {
		this.opens++;
		if (this.broken) throw new Error("no answer");
		return {
			sample: () => {
				if (this.broken) throw new Error("no answer");
				const uptimeMs = this.#timers.uptimeMs();
				const raw = this.#valueAt(uptimeMs);
				this.given.set(uptimeMs, raw);
				return { temperature: raw[0] / 100, humidity: raw[1] / 100 };
			},
			close: () => {
				this.closes++;
			},
		};
	}
}

function channel(
	id: string,
	unit: string,
	member: "temperature" | "humidity",
): SensorPort["channels"][number] {
	return {
		id,
		unit,
		exponent: -2,
		kind: "gauge",
		read: (sample) => (sample as Record<string, number>)[member],
	};
}

export class FakeSystem implements System {
	readonly board = "fake";
	readonly firmware = "1.2.3";
	resetReason: System["resetReason"] = "power_on";
	readonly reports: NodeReport[] = [];
	readonly logs: string[] = [];
	#state: number;

	constructor(seed = 1) {
		this.#state = seed;
	}

	random(into: Uint8Array): void {
		for (let i = 0; i < into.length; i++) {
			this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
			into[i] = this.#state >>> 24;
		}
	}

	heap(): { usedBytes: number; peakBytes: number; limitBytes: number } {
		return { usedBytes: 20_000, peakBytes: 30_000, limitBytes: 48_000 };
	}

	log(level: string, message: string): void {
		this.logs.push(`${level}: ${message}`);
	}

	report(report: NodeReport): void {
		this.reports.push(report);
	}

	restart(): never {
		throw new Error("restart");
	}

	reportsOf<E extends NodeReport["event"]>(
		event: E,
	): Extract<NodeReport, { event: E }>[] {
		return this.reports.filter(
			(report): report is Extract<NodeReport, { event: E }> =>
				report.event === event,
		);
	}
}

/** What survives a power cut. */
export interface Durable {
	readonly settings: Settings;
	readonly journal: Flash;
	readonly checkpoints: Flash;
}

export function makeDurable(): Durable & { readonly settings: FakeSettings } {
	return {
		settings: new FakeSettings(),
		journal: new HeapFlash(256, 4096),
		checkpoints: new HeapFlash(16, 4096),
	};
}

export const FAKE_EPOCH_MS = 1_790_000_000_000;

export interface FakeBoard extends Board {
	readonly timers: VirtualTimers;
	readonly time: FakeTimeSource;
	readonly network: FakeNetwork;
	readonly system: FakeSystem;
	readonly sensor: FakeSensor;
}

/** @param wallAtBootMs what the time source takes for wall time at uptime 0 */
export function makeBoard(
	durable: Durable = makeDurable(),
	seed = 1,
	wallAtBootMs = FAKE_EPOCH_MS,
	timers = new VirtualTimers(),
): FakeBoard {
	const sensor = new FakeSensor(timers, (uptimeMs) => [
		Math.round(2000 + 300 * Math.sin(uptimeMs / 600_000)),
		Math.round(5000 + (uptimeMs % 7)),
	]);
	return {
		timers,
		time: new FakeTimeSource(timers, () => wallAtBootMs + timers.uptimeMs()),
		network: new FakeNetwork(timers),
		system: new FakeSystem(seed),
		settings: durable.settings,
		journal: durable.journal,
		checkpoints: durable.checkpoints,
		sensor,
		sensors: [sensor],
		identity: {
			thing: "node-1",
			host: "broker.test",
			port: 8883,
			certificateId: "cert-1",
		},
	};
}
