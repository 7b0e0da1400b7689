/**
 * otadata, which says which application slot starts, and by what rules ESP-IDF's bootloader and esp_ota_ops read and write it.
 * Sources: ESP-IDF Programming Guide, "Over The Air Updates (OTA)", OTA Data Partition and App Rollback;
 * bootloader_support (bootloader_common.c, bootloader_utility.c) and app_update (esp_ota_ops.c).
 */
import { FlashFormatError } from "./errors.ts";
import { espCrc32, isErased, viewOf } from "./fields.ts";

/** Each of the two entries lies at the start of a sector of its own. */
export const OTADATA_SECTOR_BYTES = 0x1000;
export const OTADATA_BYTES = 2 * OTADATA_SECTOR_BYTES;
/** sizeof(esp_ota_select_entry_t) */
export const OTA_SELECT_BYTES = 32;

/** esp_ota_img_states_t */
export const OtaState = Object.freeze({
	/** Never started: the bootloader makes it pending. */
	new: 0,
	/** Started once and not confirmed: the next start gives it up. */
	pending: 1,
	valid: 2,
	/** The application itself gave it up. */
	invalid: 3,
	/** It restarted before it was confirmed. */
	aborted: 4,
	/** No trial: without rollback in the bootloader, all are. */
	undefined: 0xffffffff,
} as const);
export type OtaStateValue = (typeof OtaState)[keyof typeof OtaState];

export interface OtaSelect {
	/** 1 …; slot = (sequence − 1) mod number of slots. */
	readonly sequence: number;
	readonly state: number;
}

/** The two entries; null for one that is erased or whose CRC is wrong. */
export type Otadata = readonly [OtaSelect | null, OtaSelect | null];

const ERASED_SEQUENCE = 0xffffffff;
const STATE_AT = 24;
const CRC_AT = 28;

/**
 * One entry. The CRC is over the sequence alone, so the state can be changed by itself.
 * @returns null where the bootloader takes it for none: erased
 * @throws FlashFormatError truncated, bad_crc
 */
export function readOtaSelect(bytes: Uint8Array): OtaSelect | null {
	if (bytes.length < OTA_SELECT_BYTES)
		throw new FlashFormatError(
			"truncated",
			`An entry of otadata has ${OTA_SELECT_BYTES} bytes; here are ${bytes.length}.`,
		);
	const view = viewOf(bytes);
	const sequence = view.getUint32(0, true);
	if (sequence === ERASED_SEQUENCE) return null;
	const crc = espCrc32(bytes, 0, 4);
	if (view.getUint32(CRC_AT, true) !== crc)
		throw new FlashFormatError(
			"bad_crc",
			`The CRC of otadata's entry ${sequence} is wrong.`,
		);
	return { sequence, state: view.getUint32(STATE_AT, true) };
}

/** @throws FlashFormatError bad_field */
export function writeOtaSelect({ sequence, state }: OtaSelect): Uint8Array {
	if (
		!Number.isInteger(sequence) ||
		sequence < 1 ||
		sequence >= ERASED_SEQUENCE
	)
		throw new FlashFormatError(
			"bad_field",
			`otadata counts from 1 to ${ERASED_SEQUENCE - 1}, not ${sequence}.`,
		);
	const bytes = new Uint8Array(OTA_SELECT_BYTES).fill(0xff);
	const view = viewOf(bytes);
	view.setUint32(0, sequence, true);
	view.setUint32(STATE_AT, state, true);
	view.setUint32(CRC_AT, espCrc32(bytes, 0, 4), true);
	return bytes;
}

/** Both entries of a partition as the bootloader sees them: a damaged one is none. @throws FlashFormatError truncated */
export function readOtadata(partition: Uint8Array): Otadata {
	const entry = (sector: number): OtaSelect | null => {
		const start = sector * OTADATA_SECTOR_BYTES;
		try {
			return readOtaSelect(partition.subarray(start, start + OTA_SELECT_BYTES));
		} catch (error) {
			if (error instanceof FlashFormatError && error.code === "bad_crc")
				return null;
			throw error;
		}
	};
	return [entry(0), entry(1)];
}

/** A partition of otadata that selects as `entries` say. */
export function writeOtadata(entries: Otadata): Uint8Array {
	const partition = new Uint8Array(OTADATA_BYTES).fill(0xff);
	for (const [sector, entry] of entries.entries())
		if (entry !== null)
			partition.set(writeOtaSelect(entry), sector * OTADATA_SECTOR_BYTES);
	return partition;
}

/** Whether the partition is as a fresh board has it: then the bootloader starts ota_0. */
export function isFreshOtadata(partition: Uint8Array): boolean {
	return isErased(partition);
}

function isSelectable(entry: OtaSelect | null): entry is OtaSelect {
	return (
		entry !== null &&
		entry.state !== OtaState.invalid &&
		entry.state !== OtaState.aborted
	);
}

/** The entry that is in force (bootloader_common_get_active_otadata), 0 or 1; null when neither is. */
export function activeEntry(entries: Otadata): 0 | 1 | null {
	const [first, second] = entries;
	if (isSelectable(first) && isSelectable(second))
		return first.sequence >= second.sequence ? 0 : 1;
	if (isSelectable(first)) return 0;
	return isSelectable(second) ? 1 : null;
}

export interface OtadataChange {
	/** Which entry's sector is erased and written. */
	readonly entry: 0 | 1;
	readonly select: OtaSelect;
}

export interface BootDecision {
	/** Slots in the order in which they are tried: the first whose image is valid starts. */
	readonly slots: readonly number[];
	/** What the bootloader writes before it starts one. */
	readonly changes: readonly OtadataChange[];
	readonly entries: Otadata;
}

/**
 * What a bootloader with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE does with otadata at a start that is no wake from deep sleep, on a
 * table without a factory partition: an entry that is still pending is aborted; the active one that is new becomes pending; from
 * the active one's slot on the lower ones are tried, then the higher ones (bootloader_utility_load_boot_image).
 */
export function decideBoot(before: Otadata, slotCount: number): BootDecision {
	const entries: [OtaSelect | null, OtaSelect | null] = [before[0], before[1]];
	const changes: OtadataChange[] = [];
	const change = (entry: 0 | 1, state: OtaStateValue) => {
		const old = entries[entry];
		if (old === null) return;
		const select = { sequence: old.sequence, state };
		entries[entry] = select;
		changes.push({ entry, select });
	};
	for (const entry of [0, 1] as const)
		if (entries[entry]?.state === OtaState.pending)
			change(entry, OtaState.aborted);
	const active = activeEntry(entries);
	if (active !== null && entries[active]?.state === OtaState.new)
		change(active, OtaState.pending);
	const sequence = active === null ? 1 : (entries[active]?.sequence ?? 1);
	const first = (sequence - 1) % slotCount;
	const slots: number[] = [];
	for (let slot = first; slot >= 0; slot--) slots.push(slot);
	for (let slot = first + 1; slot < slotCount; slot++) slots.push(slot);
	return { slots, changes, entries };
}

/**
 * What esp_ota_set_boot_partition writes to have `slot` start next: the entry that is not active, with the lowest sequence above
 * the active one's that means that slot.
 * @param state `new` where the bootloader has rollback, so that the slot starts on trial
 */
export function selectSlot(
	entries: Otadata,
	slot: number,
	slotCount: number,
	state: OtaStateValue = OtaState.new,
): OtadataChange {
	const active = activeEntry(entries);
	if (active === null)
		return { entry: 0, select: { sequence: slot + 1, state } };
	const now = entries[active]?.sequence ?? 0;
	const residue = (slot + 1) % slotCount;
	const rounds = Math.max(0, Math.ceil((now - residue) / slotCount));
	return {
		entry: active === 0 ? 1 : 0,
		select: { sequence: residue + rounds * slotCount, state },
	};
}

/** The entries after a change. */
export function applyChange(entries: Otadata, change: OtadataChange): Otadata {
	return change.entry === 0
		? [change.select, entries[1]]
		: [entries[0], change.select];
}
