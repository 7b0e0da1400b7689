/** Flash as a later firmware would leave it: the same bytes under a higher version, each with its check. */
import { crc32 } from "../../../protocol/crc32.ts";
import { CHECKPOINT_MAGIC } from "../checkpoint-layout.ts";
import { HeapFlash } from "../heap-flash.ts";
import {
	RECORD_HEADER_BYTES,
	RECORD_MAGIC,
	SECTOR_MAGIC,
} from "../journal-layout.ts";
import type { Flash } from "../ports.ts";

/** Bytes of the header that its CRC, which follows them, is of. */
const SECTOR_CHECKED_BYTES = { journal: 36, checkpoints: 16 } as const;

/** @returns copies; the flash given is left as it is */
export function writeLaterVersion(
	which: "journal's sectors" | "journal's records" | "checkpoints",
	journal: Flash,
	checkpoints: Flash,
): { readonly journal: HeapFlash; readonly checkpoints: HeapFlash } {
	const ofJournal = imageOf(journal);
	const ofCheckpoints = imageOf(checkpoints);
	if (which === "journal's sectors")
		raiseSectors(ofJournal, SECTOR_MAGIC, SECTOR_CHECKED_BYTES.journal);
	else if (which === "checkpoints")
		raiseSectors(
			ofCheckpoints,
			CHECKPOINT_MAGIC,
			SECTOR_CHECKED_BYTES.checkpoints,
		);
	else raiseRecords(ofJournal);
	return {
		journal: flashOf(ofJournal, journal.sectorBytes),
		checkpoints: flashOf(ofCheckpoints, checkpoints.sectorBytes),
	};
}

function raiseSectors(
	image: DataView,
	magic: number,
	checkedBytes: number,
): void {
	for (let at = 0; at < image.byteLength; at += 4096) {
		if (image.getUint32(at, true) !== magic) continue;
		image.setUint8(at + 4, 2);
		const bytes = new Uint8Array(image.buffer, at, checkedBytes);
		image.setUint32(at + checkedBytes, crc32(bytes), true);
	}
}

/** All that begins like a record and has its check. */
function raiseRecords(image: DataView): void {
	for (let at = 0; at + RECORD_HEADER_BYTES <= image.byteLength; at++) {
		if (image.getUint16(at, true) !== RECORD_MAGIC) continue;
		const check = (): number => {
			const bytes = new Uint8Array(image.buffer, at, RECORD_HEADER_BYTES);
			return crc32(bytes, 4, 14, crc32(bytes, 0, 3)) & 0xffff;
		};
		if (image.getUint16(at + 14, true) !== check()) continue;
		image.setUint8(at + 2, 2);
		image.setUint16(at + 14, check(), true);
	}
}

function imageOf(flash: Flash): DataView {
	const bytes = new Uint8Array(flash.sizeBytes);
	flash.read(0, bytes);
	return new DataView(bytes.buffer);
}

function flashOf(image: DataView, sectorBytes: number): HeapFlash {
	const flash = new HeapFlash(image.byteLength / sectorBytes, sectorBytes);
	flash.program(0, new Uint8Array(image.buffer));
	return flash;
}
