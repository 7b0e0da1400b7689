/** What a board tells of itself between two turns, without its program's help: host/measures.h. */

export interface MemoryPart {
	/** The most that was ever taken of it. */
	readonly peakBytes: number;
	readonly sizeBytes: number;
}

export interface Measures {
	/** Executed since reset; null where instructions are not counted. */
	readonly instructions: number | null;
	/** Executed while each mark (`host.mark`) was in force, by its number; all 0 where instructions are not counted. */
	readonly spent: readonly number[];
	/** Of garbage, since reset; the instructions they took are in `spent` as well. */
	readonly collections: {
		readonly count: number;
		readonly instructions: number;
	};
	/** Chunks and slots. */
	readonly heap: {
		/** The most that was live after a collection. */
		readonly livePeakBytes: number;
		/** Of that, what was live when the program had been loaded: on a device, it is in flash. */
		readonly loadedBytes: number;
	};
	/** The board's own memory; null on boards that are processes. */
	readonly memory: {
		readonly stack: MemoryPart;
		/** Of the C library: names, frames. */
		readonly cHeap: MemoryPart;
		/** Chunks and slots, the engine's stack among them. */
		readonly arena: MemoryPart;
		readonly staticBytes: number;
	} | null;
}

const MEMORY_OFFSET = 8;
const COLLECTING_OFFSET = 40;
const HEAP_OFFSET = 48;
const MARKS_OFFSET = 56;

/** The body of a MEASURES frame. */
export function decodeMeasures(bytes: Uint8Array): Measures {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
	const u64 = (at: number) => Number(view.getBigUint64(at, true));
	const u32 = (index: number) =>
		view.getUint32(MEMORY_OFFSET + 4 * index, true);
	const part = (index: number): MemoryPart => ({
		peakBytes: u32(index),
		sizeBytes: u32(index + 1),
	});
	const instructions = u64(0);
	const arena = part(4);
	return {
		instructions: instructions === 0 ? null : instructions,
		spent: Array.from({ length: (bytes.length - MARKS_OFFSET) / 8 }, (_, i) =>
			u64(MARKS_OFFSET + 8 * i),
		),
		collections: { count: u32(7), instructions: u64(COLLECTING_OFFSET) },
		heap: {
			livePeakBytes: view.getUint32(HEAP_OFFSET, true),
			loadedBytes: view.getUint32(HEAP_OFFSET + 4, true),
		},
		memory:
			arena.sizeBytes === 0
				? null
				: { stack: part(0), cHeap: part(2), arena, staticBytes: u32(6) },
	};
}
