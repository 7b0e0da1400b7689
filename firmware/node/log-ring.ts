/**
 * The last of the node's log, in the board's lasting memory: it outlives resets, and nothing of it is in the heap but where it goes on.
 * `lasting-layout.ts` has the bytes.
 */
import type { LogLevel, LogLine } from "../../protocol/documents.ts";
import type { Clock } from "./clock.ts";
import {
	decodeLine,
	encodeLine,
	LEAST_LASTING_BYTES,
	LOG_START,
	lineLength,
	numberOfLine,
	readVitals,
	writeVitals,
} from "./lasting-layout.ts";
import type { Board, LastingMemory, Timers } from "./ports.ts";

export class LogRing {
	readonly memory: LastingMemory;
	readonly #timers: Timers;
	/** Set once it is known: what was written before is of it all the same. */
	boot = 0;
	/** Set once there is one. */
	clock: Pick<Clock, "binding"> | null = null;
	/** Where the next line goes; −1 before the first line of this start. */
	#at = -1;
	/** Of the line written last. */
	#number = 0;

	constructor(memory: LastingMemory, timers: Timers) {
		this.memory = memory;
		this.#timers = timers;
	}

	/** Null on a board that has no memory for it. */
	static on({ lasting, timers }: Board): LogRing | null {
		return lasting === undefined || lasting.sizeBytes < LEAST_LASTING_BYTES
			? null
			: new LogRing(lasting, timers);
	}

	/** Of the line written last; 0 where there is none. */
	get lastNumber(): number {
		if (this.#at < 0) this.open();
		return this.#number;
	}

	/** Writes a line over the oldest ones. */
	append(level: LogLevel, text: string): void {
		if (this.#at < 0) this.open();
		const uptimeMs = this.uptimeMs();
		const bootTimeMs = this.bootTimeMs;
		const bytes = encodeLine({
			number: ++this.#number,
			boot: this.boot,
			uptimeMs,
			...(bootTimeMs === null ? {} : { atMs: bootTimeMs + uptimeMs }),
			level,
			text,
		});
		if (LOG_START + this.#at + bytes.length > this.memory.sizeBytes)
			this.#at = 0;
		this.memory.write(LOG_START + this.#at, bytes);
		this.#at += bytes.length;
	}

	/** The lines that are there with a number above `after`, oldest first, `count` at most. */
	lines(after: number, count: number): readonly LogLine[] {
		const bytes = this.read();
		const places = placesOf(bytes);
		const lines: LogLine[] = [];
		for (let n = 0; n < places.length && lines.length < count; n++) {
			const line = decodeLine(bytes, places[n] as number);
			if (line.number <= after) continue;
			const boot = line.boot || this.bootAfter(bytes, places, n);
			lines.push(boot === line.boot ? line : { ...line, boot });
		}
		return lines;
	}

	/** What was written before its boot was known is of the boot of the next line. */
	private bootAfter(
		bytes: Uint8Array,
		places: readonly number[],
		n: number,
	): number {
		for (let m = n + 1; m < places.length; m++) {
			const { boot } = decodeLine(bytes, places[m] as number);
			if (boot !== 0) return boot;
		}
		return this.boot;
	}

	/**
	 * Notes how the boot is, for the start that finds that it has crashed.
	 * @param freeBytes of the heap; null where that has not been looked at
	 */
	noteVitals(firmware: string, freeBytes: number | null): void {
		const { boot } = this;
		const before = freeBytes === null ? readVitals(this.memory) : null;
		writeVitals(this.memory, {
			boot,
			firmware,
			uptimeMs: this.uptimeMs(),
			bootTimeMs: this.bootTimeMs,
			freeBytes:
				before?.boot === boot ? (before?.freeBytes ?? null) : freeBytes,
		});
	}

	private get bootTimeMs(): number | null {
		return this.clock?.binding?.bootTimeMs ?? null;
	}

	private uptimeMs(): number {
		return Math.round(this.#timers.uptimeMs());
	}

	private open(): void {
		const bytes = this.read();
		const newest = placesOf(bytes).pop();
		this.#at = 0;
		if (newest === undefined) return;
		this.#number = numberOfLine(bytes, newest);
		this.#at = newest + lineLength(bytes, newest);
	}

	private read(): Uint8Array {
		const bytes = new Uint8Array(this.memory.sizeBytes - LOG_START);
		this.memory.read(LOG_START, bytes);
		return bytes;
	}
}

/**
 * Where lines lie, oldest first: the newest and those right before it by number. What is older than a gap is a line that happened to be
 * left when its neighbours were overwritten.
 */
function placesOf(bytes: Uint8Array): number[] {
	const places: number[] = [];
	for (let at = 0; at < bytes.length; ) {
		const length = lineLength(bytes, at);
		if (length > 0) places.push(at);
		at += Math.max(length, 1);
	}
	places.sort((a, b) => numberOfLine(bytes, a) - numberOfLine(bytes, b));
	let first = places.length - 1;
	while (
		first > 0 &&
		numberOfLine(bytes, places[first] as number) -
			numberOfLine(bytes, places[first - 1] as number) ===
			1
	)
		first--;
	return first > 0 ? places.slice(first) : places;
}
