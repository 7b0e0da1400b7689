/** What has come into the database in the order in which it came: ids count up with the commits. */
import type { ArrivalPosition, LearnedBoot } from "../arrivals.ts";
import type { Connection } from "./connection.ts";
import { type PackedBlocks, packBlocks } from "./packing.ts";
import { BLOCK, toBlock } from "./reader.ts";

/** Blocks of several things, packed; they name their thing by its place in `things`. */
export interface PackedArrivals {
	readonly packed: PackedBlocks;
	readonly things: readonly string[];
	readonly lastId: number;
}

export interface ArrivalReads {
	arrivedBlocks(afterId: number, limit: number): PackedArrivals;
	arrivedBindings(
		afterId: number,
		limit: number,
	): { readonly boots: readonly LearnedBoot[]; readonly lastId: number };
	arrivalPosition(name: string): ArrivalPosition;
}

export interface ArrivalWrites {
	setArrivalPosition(name: string, position: ArrivalPosition): void;
}

export class ArrivalReader implements ArrivalReads {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	arrivedBlocks(afterId: number, limit: number): PackedArrivals {
		const rows = this.#db
			.statement(`${BLOCK} WHERE b.id > ? ORDER BY b.id LIMIT ?`)
			.all([afterId, limit]);
		const nameOf = this.#db.statement(
			"SELECT t.name FROM blocks b JOIN things t ON t.id = b.thing WHERE b.id = ?",
		);
		const places = new Map<string, number>();
		const blocks = rows.map((row) => {
			const thing = String(nameOf.get([row[0] ?? 0])?.[0]);
			if (!places.has(thing)) places.set(thing, places.size);
			return toBlock(thing, row);
		});
		return {
			packed: packBlocks(blocks, (thing) => places.get(thing) ?? 0),
			things: [...places.keys()],
			lastId: Number(rows.at(-1)?.[0] ?? afterId),
		};
	}

	arrivedBindings(
		afterId: number,
		limit: number,
	): { readonly boots: readonly LearnedBoot[]; readonly lastId: number } {
		const rows = this.#db
			.statement(
				"SELECT a.id, t.name, a.journal, a.boot FROM binding_arrivals a JOIN things t ON t.id = a.thing " +
					"WHERE a.id > ? ORDER BY a.id LIMIT ?",
			)
			.all([afterId, limit]);
		return {
			boots: rows.map((row) => ({
				thing: String(row[1]),
				journalId: String(row[2]),
				boot: Number(row[3]),
			})),
			lastId: Number(rows.at(-1)?.[0] ?? afterId),
		};
	}

	arrivalPosition(name: string): ArrivalPosition {
		const row = this.#db
			.statement(
				"SELECT block_id, binding_id FROM arrival_positions WHERE name = ?",
			)
			.get([name]);
		return {
			blockId: Number(row?.[0] ?? 0),
			bindingId: Number(row?.[1] ?? 0),
		};
	}
}

export class ArrivalWriter implements ArrivalWrites {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	setArrivalPosition(name: string, position: ArrivalPosition): void {
		this.#db
			.statement(
				"INSERT OR REPLACE INTO arrival_positions (name, block_id, binding_id) VALUES (?, ?, ?)",
			)
			.run([name, position.blockId, position.bindingId]);
	}
}
