/** Puts what comes of an image, or of a difference to the one that runs, into the idle slot. */
import { type DeltaBase, DeltaDecoder, DeltaError } from "./delta.ts";
import type { Flash } from "./ports.ts";
import { PAGE_BYTES, SlotWriter } from "./slot-writer.ts";
import type { UpdateProgress } from "./update-record.ts";

/** An object with methods, where two functions would do, too: on a node's heap those are dear. */
export interface Loading {
	/** @throws DeltaError; Error when the flash reports failure; whatever `keep` throws */
	take(bytes: Uint8Array): void;
	/** All has come. @throws as `take` */
	end(): void;
}

/** Told when a sector is full and in flash: what is to be gone on from after a restart. */
type Keep = (progress: UpdateProgress) => void;

export class ImageLoading implements Loading {
	readonly #writer: SlotWriter;

	/** @param doneBytes of the image, which are there */
	constructor(idle: Flash, doneBytes: number, keep: Keep) {
		this.#writer = new SlotWriter(idle, doneBytes, (done) =>
			keep({ doneBytes: done }),
		);
	}

	take(bytes: Uint8Array): void {
		this.#writer.write(bytes);
	}

	end(): void {
		this.#writer.flush();
	}
}

export class DeltaLoading implements Loading {
	readonly #writer: SlotWriter;
	readonly #decoder: DeltaDecoder;
	readonly #page = new Uint8Array(PAGE_BYTES);
	#takenBytes: number;

	/** @throws DeltaError when what was kept is none */
	constructor(
		base: DeltaBase,
		idle: Flash,
		imageBytes: number,
		{ doneBytes, delta }: UpdateProgress,
		keep: Keep,
	) {
		const decoder = new DeltaDecoder(base, imageBytes, delta?.state);
		if (decoder.doneBytes !== doneBytes)
			throw new DeltaError(
				"delta_malformed",
				"What was kept of the difference is damaged.",
			);
		this.#decoder = decoder;
		this.#takenBytes = delta?.takenBytes ?? 0;
		this.#writer = new SlotWriter(idle, doneBytes, (done) =>
			keep({
				doneBytes: done,
				delta: { takenBytes: this.#takenBytes, state: decoder.state },
			}),
		);
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
