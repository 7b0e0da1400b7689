/**
 * The board's settings as a node uses them. A value that makes no sense counts as absent and is removed; what cannot be read
 * or written is gone on without. Nothing here ends a node: each is told in health, and in the log.
 */
import { consistsOf, isDigit } from "../../protocol/characters.ts";
import { SETTINGS_CODES } from "../../protocol/health-states.ts";
import type { Settings, System } from "./ports.ts";
import { StateLatch } from "./state-latch.ts";

/** What NVS takes of a string without its final zero (ESP-IDF, "Non-Volatile Storage Library", Keys and Values). */
const MAX_LENGTH = 3999;

/** What the values look like that are not free text. */
const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
	/** `BOOT_KEY` */
	boot: (value) => areDigits(value, 10) && value[0] !== "0",
	/** `PAIRS_KEY` */
	pairs: (value) => ["--", "a-", "b-", "-a", "-b", "ab", "ba"].includes(value),
	/** `TIME_KEY`: ms since the Unix epoch, of 2020 or later. */
	time: (value) =>
		areDigits(value, 13) &&
		Number(value) >= 1_570_000_000_000 &&
		Number(value) < 4_200_000_000_000,
	/** `LIVE_KEY` */
	live: (value) => {
		const [wanted = "", end = "", foundBy, ...more] = value.split(" ");
		return (
			areDigits(wanted, 16) &&
			areDigits(end, 16) &&
			(foundBy === "network" || foundBy === "stored") &&
			more.length === 0
		);
	},
};

function areDigits(text: string, most: number): boolean {
	return consistsOf(text, 1, most, isDigit);
}

export class NodeSettings implements Settings {
	readonly #settings: Settings;
	readonly #system: Pick<System, "log">;
	readonly #state = new StateLatch();
	#isReadable = true;
	#isWritable = true;
	#configRefused = false;

	constructor(settings: Settings, system: Pick<System, "log">) {
		this.#settings = settings;
		this.#system = system;
	}

	/** The value of `health.settings` since it was last asked for. */
	takeState(): number {
		return this.#state.take();
	}

	/** Whether the stored configuration is one that the node does not go by. */
	set configRefused(isRefused: boolean) {
		this.#configRefused = isRefused;
		this.settle();
	}

	/** Undefined too for a value that cannot be read or makes no sense. */
	get(key: string): string | undefined {
		let value: unknown;
		try {
			value = this.#settings.get(key);
		} catch (error) {
			// It may be there all the same, and be read the next time.
			this.#isReadable = false;
			this.tell(SETTINGS_CODES.not_readable, key, `cannot be read: ${error}`);
			return undefined;
		}
		if (!this.#isReadable) {
			this.#isReadable = true;
			this.settle();
		}
		if (value === undefined || value === null) return undefined;
		if (
			typeof value === "string" &&
			value.length <= MAX_LENGTH &&
			FORMATS[key]?.(value) !== false
		)
			return value;
		this.reject(key, "makes no sense");
		return undefined;
	}

	/** Removes a value that is of no use. @param why "…" in "The setting KEY …" */
	reject(key: string, why: string): void {
		this.tell(SETTINGS_CODES.corrupt, key, `${why}; it is removed`);
		this.delete(key);
	}

	/** @returns why it could not be stored, or null */
	set(key: string, value: string): string | null {
		if (value.length > MAX_LENGTH)
			return `It has ${value.length} characters; ${MAX_LENGTH} are the most.`;
		return this.change(key, () => this.#settings.set(key, value));
	}

	/** @returns why it could not be removed, or null */
	delete(key: string): string | null {
		return this.change(key, () => this.#settings.delete(key));
	}

	private change(key: string, change: () => void): string | null {
		try {
			change();
		} catch (error) {
			const why = error instanceof Error ? error.message : String(error);
			// The value's fault: in bytes it is longer than any may be.
			if (error instanceof RangeError) return why;
			this.#isWritable = false;
			this.tell(SETTINGS_CODES.not_writable, key, `cannot be stored: ${why}`);
			return why;
		}
		if (!this.#isWritable) {
			this.#isWritable = true;
			this.settle();
		}
		return null;
	}

	private tell(code: number, key: string, what: string): void {
		this.#system.log("error", `The setting "${key}" ${what}.`);
		this.#state.enter(code);
		this.settle();
	}

	/** Goes back to the state that lasts. */
	private settle(): void {
		let code: number = SETTINGS_CODES.ok;
		if (!this.#isWritable) code = SETTINGS_CODES.not_writable;
		else if (this.#configRefused) code = SETTINGS_CODES.config_refused;
		else if (!this.#isReadable) code = SETTINGS_CODES.not_readable;
		this.#state.enter(code);
	}
}
