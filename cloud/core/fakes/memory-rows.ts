/** A row store in memory, for tests of what feeds one: it passes the same contract as real ones. */
import { StoreError } from "../ports.ts";
import {
	type BlockRows,
	type RejectedRows,
	type Row,
	type RowStore,
	RowsRejected,
} from "../row-ports.ts";

export interface MemoryRows extends RowStore {
	/** While it is true, every write fails with StoreError. */
	failing: boolean;
	/** Rows for which it is true are refused. */
	refuses: (row: Row) => boolean;
	/** What each write was of, in blocks. */
	readonly writes: number[];
	/** A thing's rows by time, then channel. */
	rows(thing: string): readonly Row[];
}

export function memoryRows(): MemoryRows {
	const kept = new Map<string, { readonly thing: string; readonly row: Row }>();
	const store: MemoryRows = {
		failing: false,
		refuses: () => false,
		writes: [],
		async write(blocks) {
			if (store.failing) {
				throw new StoreError("unavailable", "It has been told to fail.");
			}
			store.writes.push(blocks.length);
			const rejected: RejectedRows[] = [];
			for (const block of blocks) {
				for (const row of block.rows) {
					if (store.refuses(row)) rejected.push(refusal(block, row));
					else kept.set(keyOf(block, row), { thing: block.thing, row });
				}
			}
			if (rejected.length > 0) throw new RowsRejected(rejected);
		},
		rows(thing) {
			return [...kept.values()]
				.filter((one) => one.thing === thing)
				.map(({ row }) => row)
				.sort(
					(a, b) =>
						a.timeMs - b.timeMs ||
						(a.channel < b.channel ? -1 : a.channel > b.channel ? 1 : 0),
				);
		},
	};
	return store;
}

function keyOf(block: BlockRows, row: Row): string {
	return `${block.thing}/${block.journalId}/${block.boot}/${row.channel}/${row.timeMs}`;
}

function refusal(block: BlockRows, row: Row): RejectedRows {
	const { thing, journalId, boot, sequence } = block;
	return {
		thing,
		journalId,
		boot,
		sequence,
		timeMs: row.timeMs,
		reason: "It has been told to refuse this.",
	};
}
