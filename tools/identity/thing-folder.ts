/** The files of a thing, while nobody else changes them: what is not there is not looked for again and again. */
import { join } from "node:path";
import {
	enterFolder,
	makeFolder,
	moveFile,
	readIfThere,
	removeFile,
	writeWhole,
} from "../../cloud/local/identity/files.ts";

export class ThingFolder {
	readonly #paths: Set<string>;

	/** Makes it where there is none; only its owner may enter it. @throws IdentityError file_access */
	static async open(directory: string): Promise<ThingFolder> {
		if (await makeFolder(directory)) return new ThingFolder([]);
		const names = await enterFolder(directory);
		return new ThingFolder(names.map((name) => join(directory, name)));
	}

	private constructor(paths: readonly string[]) {
		this.#paths = new Set(paths);
	}

	/** As `readIfThere`. */
	async read(path: string): Promise<string | null> {
		return this.#paths.has(path) ? readIfThere(path) : null;
	}

	/** As `writeWhole`. */
	async write(path: string, text: string, mode: number): Promise<void> {
		await writeWhole(path, text, mode);
		this.#paths.add(path);
	}

	/** As `removeFile`. */
	async remove(path: string): Promise<void> {
		if (!this.#paths.has(path)) return;
		await removeFile(path);
		this.#paths.delete(path);
	}

	/** As `moveFile`. */
	async move(from: string, to: string): Promise<void> {
		await moveFile(from, to);
		this.#paths.delete(from);
		this.#paths.add(to);
	}
}
