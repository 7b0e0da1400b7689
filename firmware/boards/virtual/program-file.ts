/** The program out of a slot as a file, for as long as a processor takes to load it. */
import { createHash } from "node:crypto";
import {
	closeSync,
	ftruncateSync,
	mkdtempSync,
	openSync,
	readFileSync,
	rmSync,
	type Stats,
	statSync,
	writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Start } from "./peripherals/app-slots.ts";

const NAME = "program";

export class ProgramFile {
	readonly #built: string;
	readonly #folder: string | undefined;
	/** What is to be removed. */
	#written: string | undefined;

	/**
	 * @param built path of a program: processes that run this very one share its file, and the memory that it is loaded into
	 * @param folder where another one lies; without it, in a temporary folder of its own
	 */
	constructor(built: string, folder: string | undefined) {
		this.#built = built;
		this.#folder = folder;
	}

	/** @returns the file's path, good until `remove` */
	write({ program, description }: Start): string {
		this.remove();
		const sha256 = Buffer.from(description.elfSha256).toString("hex");
		if (sha256 === sha256Of(this.#built)) return this.#built;
		const own = this.#folder ?? mkdtempSync(join(tmpdir(), "thinghz-program-"));
		const path = join(own, NAME);
		this.#written = this.#folder === undefined ? own : path;
		const descriptor = openSync(path, "w", 0o600);
		try {
			for (const { offset, bytes } of program.pieces)
				writeSync(descriptor, bytes, 0, bytes.length, offset);
			ftruncateSync(descriptor, program.sizeBytes);
		} finally {
			closeSync(descriptor);
		}
		return path;
	}

	/** No effect when there is none. */
	remove(): void {
		if (this.#written === undefined) return;
		rmSync(this.#written, { recursive: true, force: true });
		this.#written = undefined;
	}
}

/** By path: what the file was when it was read, and its hash. */
const hashes = new Map<
	string,
	{ readonly as: string; readonly sha256: string }
>();

/** @returns undefined when there is no such file */
function sha256Of(path: string): string | undefined {
	const stats: Stats | undefined = statSync(path, { throwIfNoEntry: false });
	if (stats === undefined) return undefined;
	const as = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
	const known = hashes.get(path);
	if (known?.as === as) return known.sha256;
	const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
	hashes.set(path, { as, sha256 });
	return sha256;
}
