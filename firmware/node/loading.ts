/** Puts what comes of an image, or of a difference to the one that runs, into the idle slot. */
import { type DeltaBase, DeltaDecoder, DeltaError } from "./delta.ts";
import type { Flash } from "./ports.ts";
import { type SectorSink, SlotWriter } from "./slot-writer.ts";
import type { UpdateSlots } from "./update-ports.ts";
import type { UpdateProgress } from "./update-record.ts";

/** Objects with methods, where functions would do, too: on a node's heap those are dear. */
export interface Loading {
	/**
	 * Takes as much as makes one sector of a few bytes, at most.
	 * @returns what is left to be taken; null when there is nothing to do before more comes
	 * @throws DeltaError; Error when the flash reports failure; whatever `keep` throws
	 */
	take(bytes: Uint8Array): Uint8Array | null;
	/** Puts what was taken into flash, and keeps how far it is. @throws as `take` */
	pause(): void;
	/** All has come. @throws as `take` */
	end(): void;
}

export interface ProgressKeeper {
	/** All of this is in flash: it is to be gone on from after a restart. */
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

	take(bytes: Uint8Array): null {
		this.#writer.write(bytes);
		return null;
	}

	pause(): void {
		this.#writer.flush();
		this.onSector(this.#writer.givenBytes);
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
	#takenBytes: number;
	/** One has become full. */
	#isSector = false;

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

	/** How much of the difference has been taken. */
	get takenBytes(): number {
		return this.#takenBytes;
	}

	/** A copy may make many sectors of a few bytes, each of which takes its time to be erased. */
	take(bytes: Uint8Array): Uint8Array | null {
		const writer = this.#writer;
		this.#isSector = false;
		let at = 0;
		while (!this.#isSector) {
			// It ends where a page does, so that what the decoder knows fits what is in flash when a sector is full.
			const { room } = writer;
			const { taken, put } = this.#decoder.run(bytes.subarray(at), room);
			at += taken;
			this.#takenBytes += taken;
			writer.give(put);
			if (at === bytes.length && put < room.length) return null;
		}
		return bytes.subarray(at);
	}

	pause(): void {
		this.#writer.flush();
		this.keep();
	}

	end(): void {
		if (!this.#decoder.isWhole)
			throw new DeltaError(
				"delta_malformed",
				"The difference ends before the image is whole.",
			);
		this.#writer.flush();
	}

	onSector(): void {
		this.#isSector = true;
		this.keep();
	}

	private keep(): void {
		const { doneBytes, state } = this.#decoder;
		const delta = { takenBytes: this.#takenBytes, state };
		this.#keeper.keep({ doneBytes, delta });
	}
}
