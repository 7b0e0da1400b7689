/** Puts what comes of an image, or of a difference to the one that runs, into the idle slot. */
import { type DeltaBase, DeltaDecoder, DeltaError } from "./delta.ts";
import type { Flash } from "./ports.ts";
import { PAGE_BYTES, type SectorSink, SlotWriter } from "./slot-writer.ts";
import type { UpdateSlots } from "./update-ports.ts";
import type { UpdateProgress } from "./update-record.ts";

/** Objects with methods, where functions would do, too: on a node's heap those are dear. */
export interface Loading {
	/** @throws DeltaError; Error when the flash reports failure; whatever `keep` throws */
	take(bytes: Uint8Array): void;
	/** All has come. @throws as `take` */
	end(): void;
}

export interface ProgressKeeper {
	/** A sector is full and in flash: this is to be gone on from after a restart. */
	keep(progress: UpdateProgress): void;
}

export class ImageLoading implements Loading, SectorSink {
	readonly #writer: SlotWriter;
	readonly #keeper: ProgressKeeper;

	/** @param doneBytes of the image, which are there */
	constructor(idle: Flash, doneBytes: number, keeper: ProgressKeeper) {
		this.#writer = new SlotWriter(idle, doneBytes, this);
		this.#keeper = keeper;
	}

	take(bytes: Uint8Array): void {
		this.#writer.write(bytes);
	}

	end(): void {
		this.#writer.flush();
	}

	onSector(doneBytes: number): void {
		this.#keeper.keep({ doneBytes });
	}
}

/** The image that runs, as far as it is the one that a difference is to. */
class RunningImage implements DeltaBase {
	readonly sizeBytes: number;
	readonly #flash: Pick<Flash, "read">;

	constructor(flash: Pick<Flash, "read">, sizeBytes: number) {
		this.#flash = flash;
		this.sizeBytes = sizeBytes;
	}

	read(offset: number, into: Uint8Array): void {
		this.#flash.read(offset, into);
	}
}

/** A difference, and what is made of it. */
export interface DeltaSizes {
	/** Of the image that it is to. */
	readonly fromSizeBytes: number;
	readonly imageBytes: number;
}

export class DeltaLoading implements Loading, SectorSink {
	readonly #writer: SlotWriter;
	readonly #decoder: DeltaDecoder;
	readonly #keeper: ProgressKeeper;
	readonly #page = new Uint8Array(PAGE_BYTES);
	#takenBytes: number;

	/** @throws DeltaError when what was kept is none */
	constructor(
		{ running, idle }: Pick<UpdateSlots, "running" | "idle">,
		{ fromSizeBytes, imageBytes }: DeltaSizes,
		{ doneBytes, delta }: UpdateProgress,
		keeper: ProgressKeeper,
	) {
		const base = new RunningImage(running, fromSizeBytes);
		const decoder = new DeltaDecoder(base, imageBytes, delta?.state);
		if (decoder.doneBytes !== doneBytes)
			throw new DeltaError(
				"delta_malformed",
				"What was kept of the difference is damaged.",
			);
		this.#decoder = decoder;
		this.#keeper = keeper;
		this.#takenBytes = delta?.takenBytes ?? 0;
		this.#writer = new SlotWriter(idle, doneBytes, this);
	}

	onSector(doneBytes: number): void {
		const delta = { takenBytes: this.#takenBytes, state: this.#decoder.state };
		this.#keeper.keep({ doneBytes, delta });
	}

	/** How much of the difference has been taken. */
	get takenBytes(): number {
		return this.#takenBytes;
	}

	take(bytes: Uint8Array): void {
		const writer = this.#writer;
		let at = 0;
		for (;;) {
			// A sector ends where a page does, so that what is kept of the decoder fits what is in flash.
			const room = this.#page.subarray(
				0,
				Math.min(PAGE_BYTES, writer.untilSector),
			);
			const { taken, put } = this.#decoder.run(bytes.subarray(at), room);
			at += taken;
			this.#takenBytes += taken;
			writer.write(room.subarray(0, put));
			if (at === bytes.length && put < room.length) return;
		}
	}

	end(): void {
		// A copy may be under way for which nothing more has to come.
		this.take(new Uint8Array(0));
		if (!this.#decoder.isWhole)
			throw new DeltaError(
				"delta_malformed",
				"The difference ends before the image is whole.",
			);
		this.#writer.flush();
	}
}
