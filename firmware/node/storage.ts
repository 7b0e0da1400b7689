/** Opens what a node keeps on flash, and finds out which boot this is. */
import { encodeBlock, encodedSize } from "../../protocol/encode.ts";
import { MAX_RECORD_BYTES } from "./checkpoint-layout.ts";
import { CheckpointRing } from "./checkpoints.ts";
import { HeapFlash } from "./heap-flash.ts";
import { Journal } from "./journal.ts";
import type { Board } from "./ports.ts";
import { StorageError } from "./storage-error.ts";

export const BOOT_KEY = "boot";

export interface Storage {
	readonly boot: number;
	readonly journal: Journal;
	/** Null when flash must not be touched. */
	readonly readings: CheckpointRing | null;
	readonly health: CheckpointRing | null;
	/** Samples of blocks that were open when the last boot ended, now in the journal. */
	readonly recoveredSamples: number;
}

/** A share of the checkpoints' sectors: health is sampled seldom. */
const HEALTH_SHARE = 4;
/** What blocks of 5,000 bytes need at least: see `Journal.maxRecordBytes`. */
const HEAP_JOURNAL_SECTORS = 4;
const HEAP_JOURNAL_SECTOR_BYTES = 2560;

/**
 * Opens journal and checkpoints, closes into the journal the blocks that were open when the last boot ended, and counts
 * this boot.
 *
 * Where either was written by a later firmware, both are left as they are, and the node goes on with a journal of
 * 10 KB in the heap: it measures and reports, but what is not acknowledged is lost at a restart.
 */
export function openStorage(board: Board): Storage {
	const rings = openOnFlash(board);
	const journal = rings?.journal ?? heapJournal(board);
	let recoveredSamples = 0;
	let lastBoot = journal.lastBoot;
	if (rings !== null)
		for (const ring of [rings.readings, rings.health]) {
			const recovered = recover(ring, journal);
			recoveredSamples += recovered.samples;
			lastBoot = Math.max(lastBoot, recovered.boot);
		}
	const boot = countBoot(board, lastBoot);
	journal.setBoot(boot);
	return {
		boot,
		journal,
		readings: rings?.readings ?? null,
		health: rings?.health ?? null,
		recoveredSamples,
	};
}

function openOnFlash(board: Board): {
	journal: Journal;
	readings: CheckpointRing;
	health: CheckpointRing;
} | null {
	const { checkpoints, system } = board;
	const sectors = Math.floor(checkpoints.sizeBytes / checkpoints.sectorBytes);
	const ofHealth = Math.max(2, Math.floor(sectors / HEALTH_SHARE));
	const ofReadings = sectors - ofHealth;
	const scratch = new Uint8Array(MAX_RECORD_BYTES);
	try {
		return {
			readings: new CheckpointRing(checkpoints, 0, ofReadings, scratch),
			health: new CheckpointRing(checkpoints, ofReadings, ofHealth, scratch),
			journal: Journal.mount(board.journal, (into) => system.random(into)),
		};
	} catch (error) {
		if (!(error instanceof StorageError) || error.code !== "newer_version")
			throw error;
		system.log(
			"error",
			`${error.message} What is measured now is not durable.`,
		);
		return null;
	}
}

function heapJournal({ system }: Board): Journal {
	return Journal.mount(
		new HeapFlash(HEAP_JOURNAL_SECTORS, HEAP_JOURNAL_SECTOR_BYTES),
		(into) => system.random(into),
	);
}

/** A recovered block keeps its identity; one that the journal has already is left alone. */
function recover(
	ring: CheckpointRing,
	journal: Journal,
): { readonly samples: number; readonly boot: number } {
	const recovered = ring.recover();
	if (recovered === null) return { samples: 0, boot: 0 };
	const { block, closed, start } = recovered;
	journal.reserve(start.sequence);
	let samples = 0;
	if (block !== null && !journal.has(start.sequence)) {
		const bytes = new Uint8Array(encodedSize(block));
		encodeBlock(block, bytes);
		journal.append(start.sequence, bytes);
		samples = block.sampleCount;
	}
	if (!closed) ring.close(start.sequence);
	return { samples, boot: start.boot };
}

/** Boots are counted in the settings; should those be lost, flash still knows how far the count had come. */
function countBoot({ settings }: Board, lastBoot: number): number {
	const stored = Number(settings.get(BOOT_KEY) ?? 0);
	const known = Number.isSafeInteger(stored) && stored >= 0 ? stored : 0;
	const boot = Math.max(known, lastBoot) + 1;
	settings.set(BOOT_KEY, String(boot));
	return boot;
}
