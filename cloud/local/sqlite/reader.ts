import type { BlockIdentity } from "../../../protocol/block.ts";
import { isRole } from "../../core/people.ts";
import type { Person } from "../../core/people-directory.ts";
import type {
	BootBinding,
	DeadLetter,
	Device,
	DeviceBoot,
	DirtyBucket,
	NewBlock,
	RollupSize,
	StoreCursor,
} from "../../core/ports.ts";
import { StoreError } from "../../core/ports.ts";
import { DAY_MS, HOUR_MS } from "../../core/spans.ts";
import type { Connection, SqlRow, SqlValue, Statement } from "./connection.ts";
import {
	CHANNEL_FIELD,
	type PackedPage,
	type PackedRollups,
	type RecordReads,
	ROLLUP_FIELDS,
	UNIT_FIELD,
} from "./messages.ts";
import { packBlocks } from "./packing.ts";

/** The columns that `toBlock` takes, and the journal's number for a cursor. */
export const BLOCK =
	"SELECT b.id, b.start_ms, b.span_ms, b.received_ms, (SELECT journal FROM journals WHERE id = b.journal), " +
	"b.boot, b.sequence, b.bytes, b.journal FROM blocks b";

/** All that is read, except of alerts and by arrival. */
export class Reader implements RecordReads {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	range(
		thing: string,
		fromMs: number,
		toMs: number,
		limit: number,
		after: StoreCursor | undefined,
	): PackedPage {
		const row = this.#sql(
			"SELECT id, max_span_ms FROM things WHERE name = ?",
		).get([thing]);
		if (row === undefined) return EMPTY;
		const id = Number(row[0]);
		const maxSpanMs = Number(row[1]);
		const cursor = parseCursor(after, 2) ?? [fromMs - maxSpanMs, 0];
		const rows = this.#sql(
			`${BLOCK} INDEXED BY blocks_by_start WHERE b.thing = ? AND (b.start_ms, b.id) > (?, ?) AND b.start_ms < ? ` +
				"AND b.start_ms + b.span_ms > ? ORDER BY b.start_ms, b.id LIMIT ?",
		).all([id, ...cursor, toMs, fromMs, limit]);
		return page(thing, rows, limit, (last) => `${last[1]}:${last[0]}`);
	}

	before(
		thing: string,
		beforeMs: number,
		limit: number,
		after: StoreCursor | undefined,
	): PackedPage {
		const [startMs = beforeMs, id = 0] = parseCursor(after, 2) ?? [];
		const rows = this.#sql(
			`${BLOCK} INDEXED BY blocks_by_start WHERE b.thing = (SELECT id FROM things WHERE name = ?) ` +
				"AND b.start_ms <= ? AND (b.start_ms, b.id) < (?, ?) ORDER BY b.start_ms DESC, b.id DESC LIMIT ?",
		).all([thing, startMs, startMs, id, limit]);
		return page(thing, rows, limit, (last) => `${last[1]}:${last[0]}`);
	}

	untimed(
		thing: string,
		limit: number,
		after: StoreCursor | undefined,
	): PackedPage {
		const [id = 0] = parseCursor(after, 1) ?? [];
		const rows = this.#sql(
			`${BLOCK} INDEXED BY blocks_untimed WHERE b.thing = (SELECT id FROM things WHERE name = ?) ` +
				"AND b.start_ms IS NULL AND b.id > ? ORDER BY b.id LIMIT ?",
		).all([thing, id, limit]);
		const { packed } = page(thing, rows, limit, () => "");
		return { packed, next: String(rows.at(-1)?.[0] ?? id) };
	}

	getUntimed(thing: string, identities: readonly BlockIdentity[]): PackedPage {
		const statement = this.#sql(
			`${BLOCK} WHERE b.journal = (SELECT id FROM journals WHERE thing = (SELECT id FROM things WHERE name = ?) ` +
				"AND journal = ?) AND b.boot = ? AND b.sequence = ? AND b.start_ms IS NULL",
		);
		const rows: SqlRow[] = [];
		for (const { journalId, boot, sequence } of identities) {
			const row = statement.get([thing, journalId, boot, sequence]);
			if (row !== undefined) rows.push(row);
		}
		return page(thing, rows, Number.POSITIVE_INFINITY, () => "");
	}

	deadLetters(options: {
		readonly limit: number;
		readonly beforeId?: number;
		readonly thing?: string;
	}): readonly DeadLetter[] {
		const thing = options.thing ?? null;
		return this.#sql(
			`${DEAD_LETTER} WHERE id < ? ${thing === null ? "" : "AND thing = ?"} ORDER BY id DESC LIMIT ?`,
		)
			.all([
				options.beforeId ?? Number.MAX_SAFE_INTEGER,
				...(thing === null ? [] : [thing]),
				options.limit,
			])
			.map(toDeadLetter);
	}

	deadLetter(id: number): DeadLetter | null {
		const row = this.#sql(`${DEAD_LETTER} WHERE id = ?`).get([id]);
		return row === undefined ? null : toDeadLetter(row);
	}

	device(name: string): Device | null {
		const row = this.#sql(`${DEVICE} WHERE name = ?`).get([name]);
		return row === undefined ? null : toDevice(row);
	}

	devices(): readonly Device[] {
		return this.#sql(`${DEVICE} ORDER BY name`).all([]).map(toDevice);
	}

	bindings(
		thing: string,
		boot: Pick<BootBinding, "journalId" | "boot"> | undefined,
	): readonly BootBinding[] {
		return this.#sql(
			"SELECT journal, boot, from_uptime_ms, boot_time_ms FROM bindings " +
				"WHERE thing = (SELECT id FROM things WHERE name = ?) " +
				`${boot === undefined ? "" : "AND journal = ? AND boot = ?"} ORDER BY journal, boot, from_uptime_ms`,
		)
			.all([thing, ...(boot === undefined ? [] : [boot.journalId, boot.boot])])
			.map((row) => ({
				journalId: String(row[0]),
				boot: Number(row[1]),
				fromUptimeMs: Number(row[2]),
				bootTimeMs: Number(row[3]),
			}));
	}

	bindingCount(thing: string): number {
		const row = this.#sql(
			"SELECT count(*) FROM bindings WHERE thing = (SELECT id FROM things WHERE name = ?)",
		).get([thing]);
		return Number(row?.[0]);
	}

	dirty(
		thing: string,
		size: RollupSize,
		fromMs: number,
		toMs: number,
	): readonly DirtyBucket[] {
		const spanMs = size === "hour" ? HOUR_MS : DAY_MS;
		return this.#sql(
			"SELECT bucket, mark FROM dirty_rollups WHERE thing = (SELECT id FROM things WHERE name = ?) " +
				"AND size = ? AND bucket >= ? AND bucket < ? ORDER BY bucket",
		)
			.all([
				thing,
				size === "hour" ? 0 : 1,
				Math.ceil(fromMs / spanMs),
				Math.ceil(toMs / spanMs),
			])
			.map((row) => ({
				size,
				bucketMs: Number(row[0]) * spanMs,
				mark: Number(row[1]),
			}));
	}

	allDirty(
		beforeMs: number,
		limit: number,
	): readonly (DirtyBucket & { readonly thing: string })[] {
		return this.#sql(
			"SELECT t.name, d.size, d.bucket, d.mark FROM dirty_rollups d JOIN things t ON t.id = d.thing " +
				"WHERE (d.bucket + 1) * iif(d.size = 0, ?, ?) <= ? ORDER BY d.thing, d.size, d.bucket LIMIT ?",
		)
			.all([HOUR_MS, DAY_MS, beforeMs, limit])
			.map((row) => {
				const hour = row[1] === 0;
				return {
					thing: String(row[0]),
					size: hour ? "hour" : "day",
					bucketMs: Number(row[2]) * (hour ? HOUR_MS : DAY_MS),
					mark: Number(row[3]),
				};
			});
	}

	rollups(
		thing: string,
		size: RollupSize,
		channels: readonly string[],
		fromMs: number,
		toMs: number,
	): PackedRollups {
		const spanMs = size === "hour" ? HOUR_MS : DAY_MS;
		const select = this.#sql(
			"SELECT bucket, kind, exponent, count, first, last, min, max, sum, unit FROM rollups " +
				"WHERE thing = (SELECT id FROM things WHERE name = ?) AND size = ? " +
				"AND channel = (SELECT id FROM channels WHERE name = ?) AND bucket >= ? AND bucket < ? ORDER BY bucket",
		);
		const found = channels.map((channel) =>
			select.all([
				thing,
				size === "hour" ? 0 : 1,
				channel,
				Math.ceil(fromMs / spanMs),
				Math.ceil(toMs / spanMs),
			]),
		);
		const count = found.reduce((sum, rows) => sum + rows.length, 0);
		const numbers = new Float64Array(count * ROLLUP_FIELDS);
		const units: string[] = [];
		let at = 0;
		for (const [channel, rows] of found.entries()) {
			for (const row of rows) {
				numbers[at] = Number(row[0]) * spanMs;
				for (let i = 1; i < UNIT_FIELD; i++) numbers[at + i] = Number(row[i]);
				const unit = String(row[UNIT_FIELD]);
				if (!units.includes(unit)) units.push(unit);
				numbers[at + UNIT_FIELD] = units.indexOf(unit);
				numbers[at + CHANNEL_FIELD] = channel;
				at += ROLLUP_FIELDS;
			}
		}
		return { numbers, units };
	}

	person(subject: string): Person | null {
		const row = this.#sql(`${PERSON} WHERE subject = ?`).get([subject]);
		return row === undefined ? null : toPerson(row);
	}

	personNamed(name: string): Person | null {
		const row = this.#sql(`${PERSON} WHERE name = ?`).get([name]);
		return row === undefined ? null : toPerson(row);
	}

	people(): readonly Person[] {
		return this.#sql(`${PERSON} ORDER BY name`).all([]).map(toPerson);
	}

	devicesOf(subject: string): readonly string[] {
		return this.#sql(
			"SELECT device FROM grants WHERE subject = ? ORDER BY device",
		)
			.all([subject])
			.map((row) => String(row[0]));
	}

	subjectsOf(device: string): readonly string[] {
		return this.#sql(
			"SELECT subject FROM grants WHERE device = ? ORDER BY subject",
		)
			.all([device])
			.map((row) => String(row[0]));
	}

	hasGrant(subject: string, device: string): boolean {
		return (
			this.#sql("SELECT 1 FROM grants WHERE subject = ? AND device = ?").get([
				subject,
				device,
			]) !== undefined
		);
	}

	#sql(sql: string): Statement {
		return this.#db.statement(sql);
	}
}

const EMPTY: PackedPage = { packed: packBlocks([], () => 0), next: null };

function page(
	thing: string,
	rows: readonly SqlRow[],
	limit: number,
	cursorAfter: (row: SqlRow) => StoreCursor,
): PackedPage {
	const last = rows[rows.length - 1];
	return {
		packed: packBlocks(
			rows.map((row) => toBlock(thing, row)),
			() => 0,
		),
		next: last !== undefined && rows.length >= limit ? cursorAfter(last) : null,
	};
}

export function toBlock(thing: string, row: SqlRow): NewBlock {
	return {
		thing,
		startMs: row[1] === null ? null : Number(row[1]),
		spanMs: Number(row[2]),
		receivedMs: Number(row[3]),
		journalId: String(row[4]),
		boot: Number(row[5]),
		sequence: Number(row[6]),
		bytes: toBytes(row[7]),
	};
}

function toBytes(value: SqlValue | undefined): Uint8Array {
	if (value instanceof Uint8Array) return value;
	throw new StoreError("corrupt", "A blob in the database is not one.");
}

/** @throws StoreError "bad_cursor" */
function parseCursor(
	cursor: StoreCursor | undefined,
	parts: number,
): number[] | null {
	if (cursor === undefined) return null;
	const numbers = cursor.split(":").map(Number);
	if (numbers.length !== parts || !numbers.every(Number.isSafeInteger)) {
		throw new StoreError(
			"bad_cursor",
			"The cursor is none that this store has made.",
		);
	}
	return numbers;
}

const DEAD_LETTER =
	"SELECT id, thing, topic, reason, detail, received_ms, bytes FROM dead_letters";

function toDeadLetter(row: SqlRow): DeadLetter {
	return {
		id: Number(row[0]),
		thing: String(row[1]),
		topic: String(row[2]),
		reason: String(row[3]),
		detail: String(row[4]),
		receivedMs: Number(row[5]),
		bytes: toBytes(row[6]),
	};
}

const DEVICE =
	"SELECT name, created_ms, online, last_seen_ms, boot, channels, config_refused, tags FROM devices";

function toDevice(row: SqlRow): Device {
	return {
		name: String(row[0]),
		createdMs: Number(row[1]),
		online: row[2] === 1,
		lastSeenMs: row[3] === null ? null : Number(row[3]),
		boot: row[4] === null ? null : (JSON.parse(String(row[4])) as DeviceBoot),
		channels: JSON.parse(String(row[5])) as Device["channels"],
		configRefused: row[6] === null ? null : String(row[6]),
		tags: JSON.parse(String(row[7])) as Device["tags"],
	};
}

const PERSON = "SELECT subject, name, role, created_ms FROM people";

function toPerson(row: SqlRow): Person {
	const [subject, name, role, createdMs] = row;
	if (!isRole(role)) {
		throw new StoreError("corrupt", `${name} has a role that is none.`);
	}
	return {
		subject: String(subject),
		name: String(name),
		role,
		createdMs: Number(createdMs),
	};
}
