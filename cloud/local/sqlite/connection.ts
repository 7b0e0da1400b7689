/**
 * One connection to the database file. A thin face of `libsql`, which passes over a wrong number of parameters in
 * silence and takes a lone object as named ones: here parameters always go as one array.
 */
import Database from "libsql";
import { StoreError } from "../../core/ports.ts";

export type SqlValue = number | string | Uint8Array | null;
/** Columns in the order of the statement; blobs are Buffers. */
export type SqlRow = readonly SqlValue[];

export interface Statement {
	run(parameters: readonly SqlValue[]): {
		readonly changes: number;
		readonly lastInsertRowid: number;
	};
	get(parameters: readonly SqlValue[]): SqlRow | undefined;
	all(parameters: readonly SqlValue[]): readonly SqlRow[];
}

export class Connection {
	readonly #db: Database.Database;
	readonly #statements = new Map<string, Statement>();

	constructor(path: string) {
		this.#db = new Database(path);
	}

	exec(sql: string): void {
		this.#db.exec(sql);
	}

	prepare(sql: string): Statement {
		const statement = this.#db.prepare(sql);
		const raw = statement.reader ? statement.raw(true) : statement;
		return {
			run: (parameters) => {
				const result = statement.run(parameters);
				return {
					changes: result.changes,
					lastInsertRowid: Number(result.lastInsertRowid),
				};
			},
			get: (parameters) => raw.get(parameters) as SqlRow | undefined,
			all: (parameters) => raw.all(parameters) as SqlRow[],
		};
	}

	/** Prepared at its first use: for the few statements that are used again and again. */
	statement(sql: string): Statement {
		let statement = this.#statements.get(sql);
		if (statement === undefined) {
			statement = this.prepare(sql);
			this.#statements.set(sql, statement);
		}
		return statement;
	}

	/** The single value a pragma or query answers with. */
	value(sql: string): SqlValue {
		return this.prepare(sql).get([])?.[0] ?? null;
	}

	/** Runs `work` in one transaction: all of it is durable afterwards, or an error is thrown and none of it is there. */
	transact<T>(work: () => T): T {
		this.#db.exec("BEGIN IMMEDIATE");
		try {
			const result = work();
			this.#db.exec("COMMIT");
			return result;
		} catch (error) {
			// SQLite itself rolls back on a full disk and the like.
			if (this.#db.inTransaction) this.#db.exec("ROLLBACK");
			throw error;
		}
	}

	close(): void {
		this.#db.close();
	}
}

/** Says in the words of the ports why SQLite did not do what it was asked. */
export function toStoreError(error: unknown): StoreError {
	if (error instanceof StoreError) return error;
	const code =
		error instanceof Error && "code" in error ? String(error.code) : "";
	const message = error instanceof Error ? error.message : String(error);
	const options = { cause: error };
	if (code.startsWith("SQLITE_FULL")) {
		return new StoreError(
			"disk_full",
			"The disk of the data folder is full; what waits is taken in when there is room again.",
			options,
		);
	}
	if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
		return new StoreError(
			"busy",
			"Another process held the database for too long; try again.",
			options,
		);
	}
	if (code.startsWith("SQLITE_NOTADB") || code.startsWith("SQLITE_CORRUPT")) {
		return new StoreError(
			"corrupt",
			`The database in the data folder is damaged (${message}); restore it from a backup.`,
			options,
		);
	}
	return new StoreError(
		"unavailable",
		`The database did not do what it was asked: ${message}`,
		options,
	);
}
