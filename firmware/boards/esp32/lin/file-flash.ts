/** A flash partition in a file: programming only clears bits, as on the chip. */
import files from "embedded:storage/files";
import type { Flash } from "../../../node/ports.ts";
import { isFile } from "./text-file.ts";

const SECTOR_BYTES = 4096;

interface OpenFile {
	read(into: Uint8Array, position: number): number;
	write(bytes: Uint8Array, position: number): void;
	flush(): void;
	status(): { readonly size: number };
}

export class FileFlash implements Flash {
	readonly sizeBytes: number;
	readonly sectorBytes = SECTOR_BYTES;
	readonly #file: OpenFile;

	/** @param path in the node's folder; made, erased, if it is not there */
	constructor(path: string, sizeBytes: number) {
		this.sizeBytes = sizeBytes;
		this.#file = files.openFile({ path, mode: isFile(path) ? "r+" : "w+" });
		const erased = new Uint8Array(SECTOR_BYTES).fill(0xff);
		for (let at = this.#file.status().size; at < sizeBytes; at += SECTOR_BYTES)
			this.#file.write(erased, at);
		this.#file.flush();
	}

	read(offset: number, into: Uint8Array): void {
		this.#check(offset, into.length);
		if (into.length > 0) this.#file.read(into, offset);
	}

	program(offset: number, bytes: Uint8Array): void {
		this.#check(offset, bytes.length);
		if (bytes.length === 0) return;
		const cells = new Uint8Array(bytes.length);
		this.#file.read(cells, offset);
		for (let i = 0; i < cells.length; i++)
			cells[i] = (cells[i] ?? 0) & (bytes[i] ?? 0);
		this.#file.write(cells, offset);
		this.#file.flush();
	}

	erase(offset: number): void {
		this.#check(offset, SECTOR_BYTES);
		if (offset % SECTOR_BYTES !== 0)
			throw new RangeError(`Offset ${offset} is not the start of a sector.`);
		this.#file.write(new Uint8Array(SECTOR_BYTES).fill(0xff), offset);
		this.#file.flush();
	}

	#check(offset: number, length: number): void {
		if (offset < 0 || offset + length > this.sizeBytes)
			throw new RangeError(
				`Bytes ${offset} … ${offset + length} lie outside a partition of ${this.sizeBytes} bytes.`,
			);
	}
}
