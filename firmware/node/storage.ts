/** Opens what a node keeps on flash, and finds out which boot this is. */
import type { BlockInput } from "../../protocol/block.ts";
import { encodeBlock, encodedSize } from "../../protocol/encode.ts";
import { MAX_BLOCK_BYTES } from "./block-builder.ts";
import { CheckpointRing } from "./checkpoints.ts";
import { Journal } from "./journal.ts";
import type { Board, NodeReport, System } from "./ports.ts";
import type { RetainedState } from "./retained-state.ts";
import type { NodeSettings } from "./settings.ts";
import { StorageError } from "./storage-error.ts";

export const BOOT_KEY = "boot";
/** No more boots than this can have left nothing on flash: a count further ahead of what flash knows is a wrong one. */
const MAX_UNSEEN_BOOTS = 1_000_000;

export interface Storage {
	readonly boot: number;
	readonly journal: Journal;
	/** Flash was written by a later firmware, and is left as it is. */
	readonly isNewer: boolean;
	/** Null when flash must not be touched, or does not take what is written. */
	readonly readings: CheckpointRing | null;
	readonly health: CheckpointRing | null;
	/** Blocks that were open when the last boot ended, now in the journal. */
	readonly recovered: readonly BlockReport[];
	/** What this start goes on with: it is a wake, and the same boot. */
	readonly woken: RetainedState | null;
	/** `MAX_BLOCK_BYTES` for whoever encodes something; holds nothing between calls, nor over a call of a checkpoint. */
	readonly scratch: Uint8Array;
}

type BlockReport = Extract<NodeReport, { event: "block" }>;

/** A share of the checkpoints' sectors: health is sampled seldom. */
const HEALTH_SHARE = 4;

/**
 * Opens journal and checkpoints, closes into the journal the blocks that were open when the last boot ended, and counts
 * this boot.
 *
 * Where either was written by a later firmware, both are left as they are, and the node goes on with a journal of
 * 3.5 KB in the heap: it measures and reports, but what is not acknowledged is lost at a restart. So it does where flash
 * can be read and not be written.
 *
 * @param retained what the board retained over a deep sleep. Where flash and settings bear it out, the boot goes on.
 */
export function openStorage(
	board: Board,
	settings: NodeSettings,
	retained: RetainedState | null = null,
): Storage {
	const scratch = new Uint8Array(MAX_BLOCK_BYTES);
	const rings = openOnFlash(board, scratch);
	if (rings !== null && retained !== null) {
		if (resume(rings, settings, retained))
			return {
				boot: retained.boot,
				journal: rings.journal,
				isNewer: false,
				readings: retained.readings?.ring == null ? null : rings.readings,
				health: retained.health?.ring == null ? null : rings.health,
				recovered: [],
				woken: retained,
				scratch,
			};
		board.system.log("warn", "What was retained does not agree with flash.");
	}
	const journal =
		rings?.journal ?? Journal.inHeap((into) => board.system.random(into));
	const recovered: BlockReport[] = [];
	const recoverFrom = (stream: "readings" | "health"): Recovery => {
		const ring = rings?.[stream];
		if (ring === undefined) return { ring: null, boot: 0 };
		return recover(ring, stream, journal, board.system, recovered);
	};
	const readings = recoverFrom("readings");
	const health = recoverFrom("health");
	const { boot, isStored } = countBoot(
		settings,
		Math.max(journal.lastBoot, readings.boot, health.boot),
	);
	journal.setBoot(boot);
	if (!isStored) leaveOutSequences(journal, board.system);
	return {
		boot,
		journal,
		isNewer: rings === null,
		readings: readings.ring,
		health: health.ring,
		recovered,
		woken: null,
		scratch,
	};
}

interface Rings {
	readonly journal: Journal;
	readonly readings: CheckpointRing;
	readonly health: CheckpointRing;
}

/**
 * Whether nothing has been written since the node went to sleep with what it retained; then journal and checkpoints go
 * on where they were.
 */
function resume(
	{ journal, readings, health }: Rings,
	settings: NodeSettings,
	retained: RetainedState,
): boolean {
	if (
		!journal.isDurable ||
		journal.id !== retained.journalId ||
		journal.lastBoot > retained.boot ||
		// It may be lost, or be one that could not be stored.
		Number(settings.get(BOOT_KEY)) > retained.boot
	)
		return false;
	for (const [stream, ring] of [
		[retained.readings, readings],
		[retained.health, health],
	] as const) {
		const sequence = stream?.open?.block.sequence;
		if (sequence !== undefined && journal.has(sequence)) return false;
		if (stream?.ring != null && !ring.resume(stream.ring)) return false;
	}
	for (const stream of [retained.readings, retained.health]) {
		if (stream?.ring != null) journal.reserve(stream.ring.sequence);
		if (stream?.open != null) journal.reserve(stream.open.block.sequence);
	}
	journal.setBoot(retained.boot);
	return true;
}

/** Makes a block that was open a record of the journal. */
export function keepBlock(
	journal: Journal,
	block: BlockInput,
	stream: "readings" | "health",
): BlockReport {
	const bytes = new Uint8Array(encodedSize(block));
	encodeBlock(block, bytes);
	const { boot, sequence, sampleCount: samples } = block;
	journal.append(sequence, bytes);
	return {
		event: "block",
		boot,
		sequence,
		samples,
		bytes: bytes.length,
		stream,
	};
}

function openOnFlash(board: Board, scratch: Uint8Array): Rings | null {
	const { checkpoints, system } = board;
	const sectors = Math.floor(checkpoints.sizeBytes / checkpoints.sectorBytes);
	const ofHealth = Math.max(2, Math.floor(sectors / HEALTH_SHARE));
	const ofReadings = sectors - ofHealth;
	try {
		return {
			readings: new CheckpointRing(checkpoints, 0, ofReadings, scratch),
			health: new CheckpointRing(checkpoints, ofReadings, ofHealth, scratch),
			journal: Journal.mount(
				board.journal,
				(into) => system.random(into),
				(message) => system.log("error", message),
			),
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

interface Recovery {
	/** Null when it cannot be written any more. */
	readonly ring: CheckpointRing | null;
	/** The latest boot it knows of. */
	readonly boot: number;
}

/** A recovered block keeps its identity; one that the journal has already is left alone. */
function recover(
	ring: CheckpointRing,
	stream: "readings" | "health",
	journal: Journal,
	system: System,
	blocks: BlockReport[],
): Recovery {
	const found = ring.recover();
	if (found === null) return { ring, boot: 0 };
	const { block, closed } = found;
	const { boot, sequence } = found.start;
	journal.reserve(sequence);
	if (block !== null && !journal.has(sequence))
		blocks.push(keepBlock(journal, block, stream));
	if (closed || !journal.isDurable) return { ring, boot };
	try {
		ring.close(sequence);
		return { ring, boot };
	} catch (error) {
		if (!(error instanceof StorageError) || error.code !== "flash_failed")
			throw error;
		system.log(
			"error",
			`${error.message} The open block of ${stream} is lost at a restart.`,
		);
		return { ring: null, boot };
	}
}

/** Boots are counted in the settings; should those be lost or wrong, flash still knows how far the count had come. */
function countBoot(
	settings: NodeSettings,
	lastBoot: number,
): { readonly boot: number; readonly isStored: boolean } {
	let stored = Number(settings.get(BOOT_KEY) ?? 0);
	if (stored > lastBoot + MAX_UNSEEN_BOOTS) {
		settings.reject(BOOT_KEY, `is ${stored}, and flash knows of ${lastBoot}`);
		stored = 0;
	}
	const boot = Math.max(stored, lastBoot) + 1;
	return { boot, isStored: settings.set(BOOT_KEY, String(boot)) === null };
}

/**
 * A boot that settings do not take may be counted once more: where flash does not take its blocks either, only their sequence
 * tells them from those of the boot that had the same number.
 */
function leaveOutSequences(journal: Journal, system: System): void {
	const chance = new Uint8Array(2);
	system.random(chance);
	const [high = 0, low = 0] = chance;
	journal.reserve(journal.takeSequence() + high * 256 + low);
}
