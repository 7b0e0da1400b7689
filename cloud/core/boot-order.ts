/** Which of two boots of a device is the later one, and so in force. What arrives late must not undo it. */
import type { DeviceBoot, DeviceUpdate } from "./ports.ts";

/**
 * Boots of one journal are told apart by their number, whenever their events arrive; an event that comes again is of the
 * same boot, which is no newer. Journals of a device follow one another, so that of boots of two journals the one is newer
 * whose event arrived later; at one and the same instant it is whichever journal's ID is greater, so that everybody
 * decides alike.
 */
export function isNewerBoot(
	told: DeviceBoot,
	known: DeviceBoot | null,
): boolean {
	if (known === null) return true;
	if (told.journalId === known.journalId) return told.boot > known.boot;
	if (told.atMs !== known.atMs) return told.atMs > known.atMs;
	return told.journalId > known.journalId;
}

/**
 * Whether nothing of an update is to be done, since what it says has been overtaken by a boot. What is heard just now comes
 * after all that has been heard, whatever the times say: the clock may have been set back.
 */
export function isOvertaken(
	update: Pick<DeviceUpdate, "boot" | "unlessBootedAfterMs" | "seenNowMs">,
	known: DeviceBoot | null,
): boolean {
	const { boot, unlessBootedAfterMs, seenNowMs } = update;
	if (boot !== undefined && !isNewerBoot(boot, known)) {
		const isNow = seenNowMs !== undefined;
		if (!isNow || boot.journalId === known?.journalId) return true;
	}
	return (
		known !== null &&
		unlessBootedAfterMs !== undefined &&
		known.atMs > unlessBootedAfterMs
	);
}
