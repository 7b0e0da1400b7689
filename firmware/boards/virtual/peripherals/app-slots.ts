/**
 * Two application slots and otadata, with what ESP-IDF does with them: its bootloader, with rollback enabled and validation on, at each
 * start, and its esp_ota_ops when the program asks. Sources: firmware/image/otadata.ts; esp_ota_ops.c.
 */
import { createHash } from "node:crypto";
import {
	type AppDescription,
	type CheckedAppImage,
	describeApp,
} from "../../../image/app-image.ts";
import { FlashFormatError } from "../../../image/errors.ts";
import {
	activeEntry,
	decideBoot,
	OTADATA_BYTES,
	type Otadata,
	type OtadataChange,
	OtaState,
	type OtaStateValue,
	readOtadata,
	selectSlot,
	writeOtaSelect,
} from "../../../image/otadata.ts";
import {
	type Program,
	type ProgramBoard,
	readProgram,
} from "../../../image/program-image.ts";
import type { Settings } from "../../../node/ports.ts";
import { type FlashSupply, NorFlash, SECTOR_BYTES } from "./flash.ts";

/** Of ota_0 and ota_1 in the ESP32's partitions.csv. */
export const SLOT_BYTES = 0x170000;
const SLOT_COUNT = 2;

export interface AppSlotsOptions {
	readonly board: ProgramBoard;
	/** SLOT_BYTES by default. */
	readonly sizeBytes?: number | undefined;
	readonly supply: FlashSupply;
	/** Path of a partition's file; in memory when it is left out. */
	readonly file?: ((partition: string) => string) | undefined;
}

/** What the bootloader starts. */
export interface Start {
	readonly slot: number;
	/** The image goes back at the next start unless it is confirmed. */
	readonly onTrial: boolean;
	readonly description: AppDescription;
	readonly program: Program;
}

export class ApplicationSlots {
	readonly slots: readonly [NorFlash, NorFlash];
	readonly otadata: NorFlash;
	readonly #board: ProgramBoard;
	/** What the last start that was no wake has started. */
	#running: Start | null = null;

	/** @throws RangeError; an Error when a file cannot be opened */
	constructor(options: AppSlotsOptions) {
		const { board, supply, file, sizeBytes = SLOT_BYTES } = options;
		this.#board = board;
		const partition = (name: string, bytes: number) =>
			new NorFlash({
				sizeBytes: bytes,
				supply,
				...(file === undefined ? {} : { file: file(name) }),
			});
		this.slots = [partition("ota_0", sizeBytes), partition("ota_1", sizeBytes)];
		this.otadata = partition("otadata", OTADATA_BYTES);
	}

	/** What runs, or ran last; null before the first start, and when nothing starts. */
	get running(): Start | null {
		return this.#running;
	}

	/**
	 * Flashes `image` as a cable does, with which slot 0 starts, unless it is the one that was flashed last: then the slots go on with
	 * what they have, updates included.
	 * @param memory where it is kept which one that was
	 */
	flash(image: Uint8Array, memory: Pick<Settings, "get" | "set">): void {
		const sha256 = createHash("sha256").update(image).digest("hex");
		if (memory.get(FLASHED_KEY) === sha256) return;
		this.otadata.load(new Uint8Array(0));
		this.slots[0].load(image);
		this.slots[1].load(new Uint8Array(0));
		memory.set(FLASHED_KEY, sha256);
	}

	/**
	 * A start that is no wake.
	 * @returns null when no slot has an image that starts. @throws PowerCut
	 */
	boot(): Start | null {
		this.#running = null;
		const { slots, changes, entries } = decideBoot(this.#entries(), SLOT_COUNT);
		for (const change of changes) this.#write(change);
		const active = activeEntry(entries);
		const isPending =
			active !== null && entries[active]?.state === OtaState.pending;
		for (const slot of slots) {
			const image = this.#imageIn(slot);
			if (image === null) continue;
			const onTrial = isPending && slot === slots[0];
			if (this.#isInitial())
				this.#write({
					entry: 0,
					select: { sequence: slot + 1, state: OtaState.valid },
				});
			this.#running = { slot, onTrial, ...image };
			break;
		}
		return this.#running;
	}

	/**
	 * otadata without any sequence, as after flashing: what then starts is written down as valid (set_actual_ota_seq in
	 * bootloader_utility.c), so that there is something to go back to.
	 */
	#isInitial(): boolean {
		const sequence = new Uint8Array(4);
		return [0, SECTOR_BYTES].every((offset) => {
			this.otadata.read(offset, sequence);
			return sequence.every((byte) => byte === 0xff);
		});
	}

	/**
	 * A wake from a deep sleep: what ran goes on, and neither otadata nor the image is looked at
	 * (CONFIG_BOOTLOADER_SKIP_VALIDATE_IN_DEEP_SLEEP).
	 */
	wake(): Start | null {
		return this.#running ?? this.boot();
	}

	/**
	 * esp_ota_set_boot_partition on the slot that does not run.
	 * @throws Error when there is no valid image; PowerCut
	 */
	activate(): void {
		const slot = 1 - this.#need().slot;
		if (this.#imageIn(slot) === null)
			throw new Error("ESP_ERR_OTA_VALIDATE_FAILED");
		this.#write(selectSlot(this.#entries(), slot, SLOT_COUNT));
	}

	/** esp_ota_mark_app_valid_cancel_rollback. @throws PowerCut */
	confirm(): void {
		this.#mark(OtaState.valid);
		this.#running = { ...this.#need(), onTrial: false };
	}

	/**
	 * esp_ota_mark_app_invalid_rollback_and_reboot, but for the reboot, which is the program's to ask for: possible where otadata has
	 * another entry, whose slot has a valid image (esp_ota_check_rollback_is_possible).
	 * @throws Error when there is nothing to go back to; PowerCut
	 */
	rollBack(): void {
		const entries = this.#entries();
		const active = activeEntry(entries);
		const before = active === null ? null : entries[1 - active];
		const isPossible =
			before !== null &&
			before !== undefined &&
			before.state !== OtaState.invalid &&
			before.state !== OtaState.aborted &&
			this.#imageIn((before.sequence - 1) % SLOT_COUNT) !== null;
		if (!isPossible) throw new Error("ESP_ERR_OTA_ROLLBACK_FAILED");
		this.#mark(OtaState.invalid);
	}

	/** Lets go of the files. */
	close(): void {
		for (const partition of [...this.slots, this.otadata]) partition.close();
	}

	/** The image in a slot; null when it is none that starts here. */
	#imageIn(slot: number): Pick<Start, "description" | "program"> | null {
		const partition = this.slots[slot];
		if (partition === undefined) return null;
		const bytes = new Uint8Array(partition.sizeBytes);
		partition.read(0, bytes);
		try {
			const { image, description } = describeApp(bytes);
			return { description, program: this.#programOf(image) };
		} catch (error) {
			if (error instanceof FlashFormatError) return null;
			throw error;
		}
	}

	#programOf(image: CheckedAppImage): Program {
		return readProgram(image, this.#board);
	}

	#need(): Start {
		if (this.#running === null) throw new Error("Nothing runs.");
		return this.#running;
	}

	#entries(): Otadata {
		const partition = new Uint8Array(OTADATA_BYTES);
		this.otadata.read(0, partition);
		return readOtadata(partition);
	}

	#mark(state: OtaStateValue): void {
		const entries = this.#entries();
		const entry = activeEntry(entries);
		const sequence = entry === null ? undefined : entries[entry]?.sequence;
		if (entry === null || sequence === undefined)
			throw new Error("ESP_ERR_NOT_FOUND");
		this.#write({ entry, select: { sequence, state } });
	}

	#write({ entry, select }: OtadataChange): void {
		const offset = entry * SECTOR_BYTES;
		this.otadata.erase(offset);
		this.otadata.program(offset, writeOtaSelect(select));
	}
}

/** No key of a node's, which are no longer than 15 characters. */
const FLASHED_KEY = "flashedImage";
