/** Holds back log messages below the configured level, and keeps the last of the others where they outlive a reset. */
import { LOG_LEVELS } from "../../protocol/documents.ts";
import type { LogRing } from "./log-ring.ts";
import type {
	HeapUse,
	LogLevel,
	NodeReport,
	OfflineReason,
	System,
} from "./ports.ts";

/** A board's system that logs only what is at least as grave as its level. */
export class LevelledSystem implements System {
	readonly board: string;
	readonly firmware: string;
	/** Of the boot, once it is known that a wake goes on with one. */
	resetReason: System["resetReason"];
	level: LogLevel = "info";
	readonly #system: System;
	readonly #ring: LogRing | null;
	/** Told last: attempts of a long outage that fail alike are one line. */
	#offline: OfflineReason | null = null;

	/** @param ring null on a board that has no memory for it */
	constructor(system: System, ring: LogRing | null = null) {
		this.board = system.board;
		this.firmware = system.firmware;
		this.resetReason = system.resetReason;
		this.#system = system;
		this.#ring = ring;
	}

	random(into: Uint8Array): void {
		this.#system.random(into);
	}

	heap(): HeapUse {
		const use = this.#system.heap();
		const { usedBytes, limitBytes } = use;
		this.#ring?.noteVitals(
			this.firmware,
			limitBytes === 0 ? null : limitBytes - usedBytes,
		);
		return use;
	}

	log(level: LogLevel, message: string): void {
		if (!this.passes(level)) return;
		this.#ring?.append(level, message);
		this.#system.log(level, message);
	}

	report(report: NodeReport): void {
		if (this.#ring !== null && this.passes("info")) {
			const words = this.wordsOf(report);
			if (words !== null) this.#ring.append("info", words);
		}
		this.#system.report(report);
	}

	restart(): never {
		this.#system.restart();
	}

	private passes(level: LogLevel): boolean {
		return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.level);
	}

	/** What is kept of a report; null where that would push out what is of more use. */
	private wordsOf(report: NodeReport): string | null {
		switch (report.event) {
			case "boot":
				return `Firmware ${this.firmware} has started, after ${report.resetReason}.`;
			case "online":
				this.#offline = null;
				return "Connected.";
			case "offline": {
				const { reason } = report;
				if (reason === this.#offline) return null;
				this.#offline = reason;
				return `Not connected: ${reason}.`;
			}
			case "dropped":
				return `${report.blocks} blocks are dropped, for want of room.`;
			case "config_refused":
				return `A configuration is refused: ${report.reason}`;
			default:
				return null;
		}
	}
}
