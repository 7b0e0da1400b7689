/** Writes an image into the slot that is not running, through `embedded:update`. It verifies nothing but the image's format. */
import FlashStorage from "embedded:storage/flash";
import Update from "embedded:update";

export interface SlotWriter {
	readonly sizeBytes: number;
	/** Appends. @throws Error when the flash reports failure */
	write(bytes: Uint8Array): void;
	/**
	 * Has the bootloader start this slot at the next restart, on trial; a wake from deep sleep goes on with the image that runs.
	 * @throws Error when the slot holds no valid image
	 */
	complete(): void;
	/** Gives up what was written unless it was completed. */
	close(): void;
}

/** Erases as it goes. @throws Error when there is no other slot */
export function openIdleSlot(): SlotWriter {
	const partition = FlashStorage.open({ path: "nextota" });
	const { size: sizeBytes } = partition.status();
	const update = Update.open({ partition, mode: "a" });
	return {
		sizeBytes,
		write: (bytes) => update.write(bytes),
		complete: () => update.complete(),
		close: () => {
			update.close();
			partition.close();
		},
	};
}
