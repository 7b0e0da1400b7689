/** Holds back log messages below the configured level. */
import type { HeapUse, LogLevel, NodeReport, System } from "./ports.ts";

const RANKS: Readonly<Record<LogLevel, number>> = {
	error: 0,
	warn: 1,
	info: 2,
	debug: 3,
};

/** A board's system that logs only what is at least as grave as its level. */
export class LevelledSystem implements System {
	readonly board: string;
	readonly firmware: string;
	/** Of the boot, once it is known that a wake goes on with one. */
	resetReason: System["resetReason"];
	level: LogLevel = "info";
	readonly #system: System;

	constructor(system: System) {
		this.board = system.board;
		this.firmware = system.firmware;
		this.resetReason = system.resetReason;
		this.#system = system;
	}

	random(into: Uint8Array): void {
		this.#system.random(into);
	}

	heap(): HeapUse {
		return this.#system.heap();
	}

	log(level: LogLevel, message: string): void {
		if (RANKS[level] <= RANKS[this.level]) this.#system.log(level, message);
	}

	report(report: NodeReport): void {
		this.#system.report(report);
	}

	restart(): never {
		this.#system.restart();
	}
}
