/** What of a journal is found when it is opened. */
import type { SectorHeader } from "./journal-layout.ts";
import type { FoundRecord, JournalLog } from "./journal-log.ts";

export interface FoundJournal {
	/** Higher than any that was taken. */
	readonly nextSequence: number;
	/** Everything before this position is released or gone. */
	readonly tail: number;
	/** Records that have not been released. */
	readonly depth: number;
	/** Where the next record goes; meaningless when it is torn. */
	readonly head: number;
	/** The bytes after the head are not known to be erased. */
	readonly isTorn: boolean;
}

/**
 * Reads a header a record, from the sector on in which the oldest unreleased one started. Lets go of the last one where a cut
 * has torn it.
 * @throws StorageError `newer_version` when a later firmware wrote one of them: nothing has been changed
 */
export function readJournal(
	log: JournalLog,
	newest: SectorHeader,
): FoundJournal {
	log.id = newest.journalId;
	log.newest = newest.sector;
	let { nextSequence } = newest;
	const tailSector = Math.max(newest.tailSector, log.oldestSector());
	const tail = log.firstRecordOf(tailSector);
	let depth = 0;
	let last: FoundRecord | null = null;
	let found = log.find(tail, true);
	while (found !== null) {
		last = found;
		nextSequence = Math.max(nextSequence, found.sequence + 1);
		if (!found.released) depth++;
		found = log.find(found.end, true);
	}
	const start = log.firstRecordOf(log.newest);
	const head = Math.max(last === null ? 0 : last.end, start);
	// A cut tears only the record appended last; its header may then be there without all of its data.
	if (last !== null && !log.isIntact(last)) {
		if (!last.released) {
			log.markReleased(last.position);
			depth--;
		}
		return { nextSequence, tail, depth, head, isTorn: true };
	}
	return { nextSequence, tail, depth, head, isTorn: !log.isBlank(head) };
}
