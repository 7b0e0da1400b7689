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

/** The file of settings is damaged. */
export class SettingsError extends Error {
	override readonly name = "SettingsError";
	readonly code = "settings_damaged";
}

/** NVS takes keys of at most 15 characters (ESP-IDF, "Non-Volatile Storage Library", Keys and Values). */
const MAX_KEY_LENGTH = 15;

function checkKey(key: string): void {
	if (key.length === 0 || key.length > MAX_KEY_LENGTH) {
		throw new RangeError(
			`A settings key has 1 to ${MAX_KEY_LENGTH} characters: "${key}" has ${key.length}.`,
		);
	}
}

/** Held in memory: as durable as the object. */
export class MemorySettings implements Settings {
	protected readonly values = new Map<string, string>();

	get(key: string): string | undefined {
		checkKey(key);
		return this.values.get(key);
	}

	set(key: string, value: string): void {
		checkKey(key);
		if (this.values.get(key) === value) return;
		this.values.set(key, value);
		this.changed();
	}

	delete(key: string): void {
		checkKey(key);
		if (this.values.delete(key)) this.changed();
	}

	protected changed(): void {
		// Memory is where they are.
	}
}

/** On a file, replaced as a whole: after a crash of anything it holds the values of before or of after. */
export class FileSettings extends MemorySettings {
	readonly #path: string;

	/** @throws SettingsError when the file is there and is not an object of strings */
	constructor(path: string) {
		super();
		this.#path = path;
		for (const [key, value] of readEntries(path)) this.values.set(key, value);
	}

	protected override changed(): void {
		const temporary = `${this.#path}.new`;
		const descriptor = openSync(temporary, "w", 0o600);
		try {
			writeSync(
				descriptor,
				JSON.stringify(Object.fromEntries(this.values), null, "\t"),
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
		throw new SettingsError(`${path} is not JSON.`, { cause });
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
