/** Settings in one JSON file, replaced as a whole. */
import files from "embedded:storage/files";
import type { Settings } from "../../../node/ports.ts";
import { readText, writeText } from "./text-file.ts";

export class FileSettings implements Settings {
	readonly #path: string;
	readonly #values: Record<string, string>;

	/** @throws SyntaxError when the file is there and holds no JSON */
	constructor(path: string) {
		this.#path = path;
		const text = readText(path);
		this.#values = text === undefined ? {} : JSON.parse(text);
	}

	get(key: string): string | undefined {
		return this.#values[key];
	}

	set(key: string, value: string): void {
		this.#values[key] = value;
		this.#save();
	}

	delete(key: string): void {
		delete this.#values[key];
		this.#save();
	}

	#save(): void {
		const next = `${this.#path}.next`;
		writeText(next, JSON.stringify(this.#values));
		files.move(next, this.#path);
	}
}
