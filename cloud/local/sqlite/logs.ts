/** Logs and crashes of nodes in the database: what is asked by stands in columns, the rest in documents. */
import {
	CRASH_RETENTION_MS,
	type CrashPosition,
	type KeptCrash,
	type KeptLine,
	type LinePosition,
	LOG_RETENTION_MS,
} from "../../core/node-logs.ts";
import type { Connection, SqlValue } from "./connection.ts";

/** What is over goes with what is new, some at a time, so that no commit waits for all of a long history. */
const PRUNED_AT_ONCE = 64;

export interface LogWrites {
	/** @param nowMs by which what is over is removed */
	addLogLines(device: string, lines: readonly KeptLine[], nowMs: number): void;
	addCrash(crash: KeptCrash, nowMs: number): void;
	/** All of a device. */
	removeLogs(device: string): void;
}

export interface LogReads {
	/** @param nowMs by which what is over is left out, as in `crashes` */
	logLines(
		device: string,
		options: { readonly limit: number; readonly after?: LinePosition },
		nowMs: number,
	): readonly KeptLine[];
	crashes(
		options: {
			readonly limit: number;
			readonly after?: CrashPosition;
			readonly device?: string;
		},
		nowMs: number,
	): readonly KeptCrash[];
}

export class LogWriter implements LogWrites {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	addLogLines(device: string, lines: readonly KeptLine[], nowMs: number): void {
		const insert = this.#db.statement(
			"INSERT INTO log_lines (thing, boot, number, received_ms, document) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		);
		for (const line of lines) {
			const { boot, number, receivedMs } = line;
			insert.run([device, boot, number, receivedMs, JSON.stringify(line)]);
		}
		this.#db
			.statement(
				"DELETE FROM log_lines WHERE (thing, boot, number) IN " +
					"(SELECT thing, boot, number FROM log_lines WHERE received_ms < ? ORDER BY received_ms LIMIT ?)",
			)
			.run([nowMs - LOG_RETENTION_MS, PRUNED_AT_ONCE]);
	}

	addCrash(crash: KeptCrash, nowMs: number): void {
		const { device, boot, uptimeMs, toldMs } = crash;
		this.#db
			.statement(
				"INSERT INTO crashes (thing, boot, uptime_ms, told_ms, document) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			)
			.run([device, boot, uptimeMs ?? 0, toldMs, JSON.stringify(crash)]);
		this.#db
			.statement(
				"DELETE FROM crashes WHERE (thing, boot, uptime_ms) IN " +
					"(SELECT thing, boot, uptime_ms FROM crashes WHERE told_ms < ? ORDER BY told_ms LIMIT ?)",
			)
			.run([nowMs - CRASH_RETENTION_MS, PRUNED_AT_ONCE]);
	}

	removeLogs(device: string): void {
		for (const table of ["log_lines", "crashes"]) {
			this.#db.statement(`DELETE FROM ${table} WHERE thing = ?`).run([device]);
		}
	}
}

export class LogReader implements LogReads {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	logLines(
		device: string,
		{ limit, after }: { readonly limit: number; readonly after?: LinePosition },
		nowMs: number,
	): readonly KeptLine[] {
		const isOpen = after === undefined;
		return this.#all(
			`SELECT document FROM log_lines WHERE thing = ? AND received_ms >= ? ${isOpen ? "" : "AND (boot, number) < (?, ?)"} ` +
				"ORDER BY boot DESC, number DESC LIMIT ?",
			[
				device,
				nowMs - LOG_RETENTION_MS,
				...(isOpen ? [] : [after.boot, after.number]),
				limit,
			],
		);
	}

	crashes(
		{
			limit,
			after,
			device,
		}: {
			readonly limit: number;
			readonly after?: CrashPosition;
			readonly device?: string;
		},
		nowMs: number,
	): readonly KeptCrash[] {
		const fromMs = nowMs - CRASH_RETENTION_MS;
		const place = after === undefined ? [] : [after.boot, after.uptimeMs ?? 0];
		if (device !== undefined) {
			return this.#all(
				`SELECT document FROM crashes WHERE thing = ? AND told_ms >= ? ${after === undefined ? "" : "AND (boot, uptime_ms) < (?, ?)"} ` +
					"ORDER BY boot DESC, uptime_ms DESC LIMIT ?",
				[device, fromMs, ...place, limit],
			);
		}
		return this.#all(
			`SELECT document FROM crashes WHERE told_ms >= ? ${after === undefined ? "" : "AND (told_ms, thing, boot, uptime_ms) < (?, ?, ?, ?)"} ` +
				"ORDER BY told_ms DESC, thing DESC, boot DESC, uptime_ms DESC LIMIT ?",
			[
				fromMs,
				...(after === undefined ? [] : [after.toldMs, after.device, ...place]),
				limit,
			],
		);
	}

	#all<T>(sql: string, parameters: readonly SqlValue[]): readonly T[] {
		return this.#db
			.statement(sql)
			.all(parameters)
			.map((row) => JSON.parse(String(row[0])) as T);
	}
}
