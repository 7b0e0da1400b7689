/** Named values that survive a restart, in the manner of NVS. */
import {
	closeSync,
	fsyncSync,
	openSync,
	readFileSync,
	renameSync,
	writeSync,
} from "node:fs";
import type { Settings } from "../../../node/ports.ts";
import type { FlashSupply } from "./flash.ts";

/** The file of settings is damaged. */
export class SettingsError extends Error {
	override readonly name = "SettingsError";
	readonly code = "settings_damaged";
}

/** NVS takes keys of at most 15 characters (ESP-IDF, "Non-Volatile Storage Library", Keys and Values). */
const MAX_KEY_LENGTH = 15;
/** Of a string, its final zero included (the same section, "String values are currently limited to 4000 bytes"). */
const MAX_VALUE_BYTES = 4000;

function checkKey(key: string): void {
	if (key.length === 0 || key.length > MAX_KEY_LENGTH) {
		throw new RangeError(
			`A settings key has 1 to ${MAX_KEY_LENGTH} characters: "${key}" has ${key.length}.`,
		);
	}
}

function checkValue(key: string, value: string): void {
	const sizeBytes = Buffer.byteLength(value, "utf8") + 1;
	if (sizeBytes > MAX_VALUE_BYTES) {
		throw new RangeError(
			`A setting takes ${MAX_VALUE_BYTES} bytes at most: "${key}" would take ${sizeBytes}.`,
		);
	}
}

/** Held in memory: as durable as the object. */
export class MemorySettings implements Settings {
	#values: ReadonlyMap<string, string>;

	constructor(values: ReadonlyMap<string, string> = new Map()) {
		this.#values = values;
	}

	get(key: string): string | undefined {
		checkKey(key);
		return this.#values.get(key);
	}

	/** @throws RangeError when NVS would not take it */
	set(key: string, value: string): void {
		checkKey(key);
		checkValue(key, value);
		if (this.#values.get(key) === value) return;
		this.#change(new Map(this.#values).set(key, value));
	}

	delete(key: string): void {
		checkKey(key);
		if (!this.#values.has(key)) return;
		const values = new Map(this.#values);
		values.delete(key);
		this.#change(values);
	}

	/** Makes them durable. What it throws leaves all as it was. */
	protected store(_values: ReadonlyMap<string, string>): void {
		// Memory is where they are.
	}

	#change(values: ReadonlyMap<string, string>): void {
		this.store(values);
		this.#values = values;
	}
}

/** "unreadable": none can be read, and all can be changed; "unwritable": each change fails, and leaves all as it was. */
export type SettingsFault = "none" | "unreadable" | "unwritable";

/** As the node has them: a change is an operation of the board's supply, which is cut before or after it. */
export class PoweredSettings implements Settings {
	/** Can be set at any time. */
	fault: SettingsFault = "none";
	readonly #settings: Settings;
	readonly #supply: FlashSupply;

	constructor(settings: Settings, supply: FlashSupply) {
		this.#settings = settings;
		this.#supply = supply;
	}

	get(key: string): string | undefined {
		const value = this.#held(key);
		if (this.fault === "unreadable")
			throw new Error("ESP_ERR_NVS_INVALID_STATE");
		return value;
	}

	/** @throws PowerCut */
	set(key: string, value: string): void {
		if (this.#held(key) === value) return;
		this.#change(() => this.#settings.set(key, value));
	}

	/** @throws PowerCut */
	delete(key: string): void {
		if (this.#held(key) === undefined) return;
		this.#change(() => this.#settings.delete(key));
	}

	/** @throws PowerCut */
	#held(key: string): string | undefined {
		this.#supply.requirePower();
		return this.#settings.get(key);
	}

	#change(change: () => void): void {
		if (this.fault === "unwritable")
			throw new Error("ESP_ERR_NVS_NOT_ENOUGH_SPACE");
		// NVS makes a change whole or not at all (thinghz_setting_set in firmware/boards/esp32/native/natives.c).
		this.#supply.operate(change, (random) => {
			if (random.below(2) === 1) change();
		});
	}
}

/** On a file, replaced as a whole: after a crash of anything it holds the values of before or of after. */
export class FileSettings extends MemorySettings {
	readonly #path: string;

	/** @throws SettingsError when the file is there and is not an object of strings */
	constructor(path: string) {
		super(new Map(readEntries(path)));
		this.#path = path;
	}

	protected override store(values: ReadonlyMap<string, string>): void {
		const temporary = `${this.#path}.new`;
		const descriptor = openSync(temporary, "w", 0o600);
		try {
			writeSync(
				descriptor,
				JSON.stringify(Object.fromEntries(values), null, "\t"),
			);
			fsyncSync(descriptor);
		} finally {
			closeSync(descriptor);
		}
		renameSync(temporary, this.#path);
	}
}

function readEntries(path: string): [string, string][] {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw error;
	}
	let document: unknown;
	try {
		document = JSON.parse(text);
	} catch (cause) {
		throw new SettingsError(
			`${path} is not JSON. Remove it, and the node starts with no settings.`,
			{ cause },
		);
	}
	if (
		typeof document !== "object" ||
		document === null ||
		Array.isArray(document)
	) {
		throw new SettingsError(`${path} does not hold an object.`);
	}
	return Object.entries(document).map(([key, value]) => {
		if (typeof value !== "string") {
			throw new SettingsError(`${path}: "${key}" is not a string.`);
		}
		return [key, value];
	});
}
