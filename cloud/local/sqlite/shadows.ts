/** Shadows in the database. */
import type { StoredShadow } from "../../core/shadows/ports.ts";
import type { Connection } from "./connection.ts";

export interface ShadowWrites {
	/** @returns false when what is there is not `previous` */
	replaceShadow(
		thing: string,
		name: string,
		previous: Pick<StoredShadow, "version" | "document"> | null,
		next: StoredShadow,
	): boolean;
	removeShadows(thing: string): void;
}

export interface ShadowReads {
	shadow(thing: string, name: string): StoredShadow | null;
	shadowNames(thing: string): readonly string[];
}

export class ShadowWriter implements ShadowWrites {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	replaceShadow(
		thing: string,
		name: string,
		previous: Pick<StoredShadow, "version" | "document"> | null,
		next: StoredShadow,
	): boolean {
		const { version, updatedMs } = next;
		const document =
			next.document === null ? null : JSON.stringify(next.document);
		if (previous === null) {
			return this.#run(
				"INSERT INTO shadows (thing, name, version, updated_ms, document) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
				[thing, name, version, updatedMs, document],
			);
		}
		return this.#run(
			"UPDATE shadows SET version = ?, updated_ms = ?, document = ? " +
				"WHERE thing = ? AND name = ? AND version = ? AND (document IS NULL) = ?",
			[
				version,
				updatedMs,
				document,
				thing,
				name,
				previous.version,
				previous.document === null ? 1 : 0,
			],
		);
	}

	removeShadows(thing: string): void {
		this.#run("DELETE FROM shadows WHERE thing = ?", [thing]);
	}

	/** @returns whether it changed anything */
	#run(sql: string, parameters: readonly (string | number | null)[]): boolean {
		return this.#db.statement(sql).run(parameters).changes > 0;
	}
}

export class ShadowReader implements ShadowReads {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	shadow(thing: string, name: string): StoredShadow | null {
		const row = this.#db
			.statement(
				"SELECT version, updated_ms, document FROM shadows WHERE thing = ? AND name = ?",
			)
			.get([thing, name]);
		if (row === undefined) return null;
		const [version, updatedMs, document = null] = row;
		return {
			version: Number(version),
			updatedMs: Number(updatedMs),
			document:
				document === null
					? null
					: (JSON.parse(String(document)) as StoredShadow["document"]),
		};
	}

	shadowNames(thing: string): readonly string[] {
		return this.#db
			.statement(
				"SELECT name FROM shadows WHERE thing = ? AND name <> '' AND document IS NOT NULL ORDER BY name",
			)
			.all([thing])
			.map((row) => String(row[0]));
	}
}
