/**
 * What lies unsent on flash that takes no writes any more: it can still be read, and sent. That it has been sent may be known
 * until the next restart only; then it is sent once more, and stored once.
 */
import type { JournalLog, RecordRef } from "./journal-log.ts";

export class FrozenBacklog {
	readonly log: JournalLog;
	/** Everything before this position has been sent. */
	#tail: number;
	#depth: number;

	/** @param depth records from `tail` on that have not been released */
	constructor(log: JournalLog, tail: number, depth: number) {
		this.log = log;
		this.#tail = tail;
		this.#depth = depth;
	}

	get depth(): number {
		return this.#depth;
	}

	owns(ref: RecordRef): boolean {
		return this.log.sectorOf(ref.position) <= this.log.newest;
	}

	/** The oldest record that has not been released, or null when all of it has. */
	first(): RecordRef | null {
		const found = this.log.unreleasedFrom(this.#tail);
		if (found === null) this.#depth = 0;
		else {
			this.#tail = found.position;
			this.log.forgetMarksBefore(this.#tail);
		}
		return found;
	}

	/** The next unreleased record after `ref`, or null. */
	next(ref: RecordRef): RecordRef | null {
		return this.log.unreleasedFrom(
			this.log.endOf(ref.position, ref.lengthBytes),
		);
	}

	/** @returns false, without any effect, for one that is gone or released already */
	release(ref: RecordRef): boolean {
		if (ref.position < this.#tail || !this.log.release(ref)) return false;
		this.#depth = Math.max(0, this.#depth - 1);
		if (ref.position === this.#tail) this.first();
		return true;
	}
}
