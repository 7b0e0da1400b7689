/** A board that really goes to sleep: its program ends, and another one begins with what was retained. */
import type { ResetReason } from "../../../protocol/documents.ts";
import { type RunningNode, startNode } from "../node.ts";
import type { DeepSleep, NodeReport, Watchdog } from "../ports.ts";
import {
	type Durable,
	FAKE_EPOCH_MS,
	type FakeBoard,
	makeBoard,
	makeDurable,
} from "./board.ts";
import { FakeCloud } from "./cloud.ts";
import { VirtualTimers } from "./virtual-timers.ts";

/** Ends the program: nothing of it runs after this. */
class Asleep extends Error {
	readonly durationMs: number;

	constructor(durationMs: number) {
		super("asleep");
		this.durationMs = durationMs;
	}
}

class FakeDeepSleep implements DeepSleep {
	readonly retainedBytes: number;
	readonly #memory: RetainedMemory;

	constructor(memory: RetainedMemory, retainedBytes: number) {
		this.#memory = memory;
		this.retainedBytes = retainedBytes;
	}

	retained(): Uint8Array | undefined {
		return this.#memory.bytes?.slice();
	}

	retain(bytes: Uint8Array): void {
		if (bytes.length > this.retainedBytes) throw new RangeError("too long");
		this.#memory.bytes = bytes.slice();
	}

	sleep(durationMs: number): never {
		throw new Asleep(durationMs);
	}
}

interface RetainedMemory {
	bytes: Uint8Array | undefined;
}

export interface SleepingOptions {
	readonly config: object;
	readonly durable?: Durable;
	readonly retainedBytes?: number;
	/** From the end of a sleep until the program runs. */
	readonly wakingMs?: number;
	readonly hasSensor?: boolean;
	/** By what share a sleep is longer than the board takes it for, as the oscillator that counts it runs slow. */
	readonly slowBy?: number;
}

/** What happens to each board before its node starts. */
export type Prepare = (board: FakeBoard) => void;

export class SleepingMachine {
	readonly durable: Durable;
	readonly cloud = new FakeCloud();
	readonly memory: RetainedMemory = { bytes: undefined };
	readonly reports: NodeReport[] = [];
	readonly logs: string[] = [];
	/** What the sensor gave, as "boot@uptime". */
	readonly given = new Map<string, readonly number[]>();
	/** When it was given, in simulated time. */
	readonly givenAtMs = new Map<string, number>();
	/** Simulated time at which connections were tried. */
	readonly connects: { readonly atMs: number; readonly clean: boolean }[] = [];
	prepare: Prepare = () => undefined;
	/** Simulated time, ms since the machine was made. */
	nowMs = 0;
	timeRequests = 0;
	wakes = 0;
	boot = 0;
	board: FakeBoard | null = null;
	readonly #options: SleepingOptions;
	/** Of the program that runs. */
	node: RunningNode | null = null;
	/** Simulated time at uptime 0, as the board counts now. */
	#bootMs = 0;
	#wakeAtMs: number | null = null;
	#seed = 1;
	/** Of the next start, other than from a sleep. */
	#resetReason: ResetReason = "power_on";

	constructor(options: SleepingOptions) {
		this.#options = options;
		this.durable = options.durable ?? makeDurable();
		this.durable.settings.set("config", JSON.stringify(options.config));
	}

	get isAsleep(): boolean {
		return this.#wakeAtMs !== null;
	}

	/** What is volatile is lost; the machine boots again at once when it is run on. */
	cutPower(): void {
		this.#collect();
		this.board = null;
		this.#wakeAtMs = null;
		this.memory.bytes = undefined;
	}

	/** The program ends where it is; what is retained stays. The machine starts again at once when it is run on. */
	crash(): void {
		const { bytes } = this.memory;
		this.cutPower();
		this.memory.bytes = bytes;
		this.#resetReason = "crash";
	}

	/**
	 * Lets `ms` pass. What a node's program throws, other than that it sleeps, is thrown here, and is a loss of power to the
	 * machine: a PowerCut, say.
	 */
	run(ms: number): void {
		const endMs = this.nowMs + ms;
		while (this.nowMs < endMs) {
			if (this.#wakeAtMs !== null && this.#wakeAtMs >= endMs) {
				this.nowMs = endMs;
				return;
			}
			try {
				if (this.board === null) this.#start();
				const board = this.board as FakeBoard | null;
				board?.timers.advance(endMs - this.#timeOf(board));
				this.nowMs = endMs;
			} catch (error) {
				this.nowMs = this.#timeOf(this.board);
				if (!(error instanceof Asleep)) {
					this.cutPower();
					throw error;
				}
				this.#collect();
				this.board = null;
				const { wakingMs = 0, slowBy = 0 } = this.#options;
				const unseenMs = Math.round(error.durationMs * slowBy);
				this.#wakeAtMs = this.nowMs + error.durationMs + unseenMs + wakingMs;
				this.#bootMs += unseenMs;
			}
		}
	}

	reportsOf<E extends NodeReport["event"]>(
		event: E,
	): Extract<NodeReport, { event: E }>[] {
		return this.reports.filter(
			(report): report is Extract<NodeReport, { event: E }> =>
				report.event === event,
		);
	}

	#timeOf(board: FakeBoard | null): number {
		return board === null ? this.nowMs : this.#bootMs + board.timers.uptimeMs();
	}

	#start(): void {
		const wakes = this.#wakeAtMs !== null;
		if (this.#wakeAtMs !== null) {
			this.nowMs = this.#wakeAtMs;
			this.#wakeAtMs = null;
			this.wakes++;
		} else this.#bootMs = this.nowMs;
		const timers = new VirtualTimers(this.nowMs - this.#bootMs);
		const wallAtBootMs = FAKE_EPOCH_MS + this.#bootMs;
		const board = makeBoard(this.durable, this.#seed++, wallAtBootMs, timers);
		board.system.resetReason = wakes ? "deep_sleep" : this.#resetReason;
		this.#resetReason = "power_on";
		board.network.onMessage = this.cloud.take;
		const { retainedBytes = 4096, hasSensor = true } = this.#options;
		this.board = Object.assign(board, {
			deepSleep: new FakeDeepSleep(this.memory, retainedBytes),
			sensors: hasSensor ? board.sensors : [],
		});
		this.prepare(board);
		this.node = startNode(board);
	}

	/** Gathers what a program that has ended leaves behind. */
	#collect(): void {
		const { board } = this;
		if (board === null) return;
		const { reports, logs } = board.system;
		this.boot = board.system.reportsOf("boot")[0]?.boot ?? this.boot;
		this.reports.push(...reports);
		this.logs.push(...logs);
		this.timeRequests += board.time.requests;
		for (const [uptimeMs, raw] of board.sensor.given) {
			const key = `${this.boot}@${uptimeMs}`;
			this.given.set(key, raw);
			this.givenAtMs.set(key, this.#bootMs + uptimeMs);
		}
		for (const { atMs, clean } of board.network.connects)
			this.connects.push({ atMs: this.#bootMs + atMs, clean });
		reports.length = 0;
		logs.length = 0;
		board.time.requests = 0;
		board.sensor.given.clear();
		board.network.connects.length = 0;
	}

	/** Gathers what has been so far. */
	look(): void {
		this.#collect();
	}
}

export class FakeWatchdog implements Watchdog {
	readonly timeoutMs = 30_000;
	/** Uptimes. */
	readonly feeds: number[] = [];
	readonly #timers: VirtualTimers;

	constructor(timers: VirtualTimers) {
		this.#timers = timers;
	}

	feed(): void {
		this.feeds.push(this.#timers.uptimeMs());
	}
}
