import { isOvertaken } from "../../core/boot-order.ts";
import type { Person } from "../../core/people-directory.ts";
import {
	type BootBinding,
	type BucketRows,
	type DeadLetter,
	type Device,
	type DeviceBoot,
	type DeviceUpdate,
	UNREADABLE_CHANNEL,
} from "../../core/ports.ts";
import { DAY_MS, HOUR_MS } from "../../core/spans.ts";
import type { Connection, Statement } from "./connection.ts";
import { KINDS, type RecordWrites } from "./messages.ts";
import { type PackedBlocks, packedCount, unpackBlock } from "./packing.ts";

/** What the writer remembers of a thing so as not to ask the database for each block. */
interface KnownThing {
	readonly id: number;
	maxSpanMs: number;
	readonly journals: Map<string, number>;
}

/** Buckets to mark at the end of a group: bucket number → id of the newest block in it. */
interface Marks {
	readonly hours: Map<number, number>;
	readonly days: Map<number, number>;
}

const KEPT_JOURNALS = 64;

const OUTCOME = { stored: 0, duplicate: 1, conflict: 2 } as const;

/** All that is written, except of alerts, as single steps; the caller puts them into transactions. */
export class Writer implements RecordWrites {
	readonly #db: Connection;
	readonly #things = new Map<string, KnownThing>();

	constructor(db: Connection) {
		this.#db = db;
	}

	/** To be called after a transaction was rolled back: what it had learned may not be there. */
	forget(): void {
		this.#things.clear();
	}

	/** @returns for each block the place of its outcome in `OUTCOMES` */
	putBlocks(packed: PackedBlocks, things: readonly string[]): Uint8Array {
		const outcomes = new Uint8Array(packedCount(packed));
		const marks = new Map<number, Marks>();
		const insert = this.#sql(
			"INSERT INTO blocks (thing, start_ms, span_ms, journal, boot, sequence, received_ms, bytes) " +
				"VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		);
		for (let i = 0; i < outcomes.length; i++) {
			const block = unpackBlock(packed, i, (thing) => things[thing] ?? "");
			const thing = this.#thing(block.thing);
			const journal = this.#journal(thing, block.journalId);
			const { changes, lastInsertRowid } = insert.run([
				thing.id,
				block.startMs,
				block.spanMs,
				journal,
				block.boot,
				block.sequence,
				block.receivedMs,
				block.bytes,
			]);
			if (changes === 0) {
				outcomes[i] = this.#sameBytes(
					journal,
					block.boot,
					block.sequence,
					block.bytes,
				)
					? OUTCOME.duplicate
					: OUTCOME.conflict;
				continue;
			}
			if (block.startMs === null) continue;
			this.#coverSpan(thing, block.spanMs);
			mark(marks, thing.id, block.startMs, block.spanMs, lastInsertRowid);
		}
		this.#writeMarks(marks);
		return outcomes;
	}

	addDeadLetter(letter: Omit<DeadLetter, "id">): void {
		this.#sql(
			"INSERT INTO dead_letters (thing, topic, reason, detail, received_ms, bytes) VALUES (?, ?, ?, ?, ?, ?)",
		).run([
			letter.thing,
			letter.topic,
			letter.reason,
			letter.detail,
			letter.receivedMs,
			letter.bytes,
		]);
	}

	removeDeadLetter(id: number): void {
		this.#sql("DELETE FROM dead_letters WHERE id = ?").run([id]);
	}

	createDevice(name: string, createdMs: number): boolean {
		const { changes } = this.#sql(
			"INSERT INTO devices (name, created_ms) VALUES (?, ?) ON CONFLICT DO NOTHING",
		).run([name, createdMs]);
		return changes === 1;
	}

	updateDevice(name: string, update: DeviceUpdate): void {
		const columns: string[] = [];
		const values: (string | number | null)[] = [];
		const set = (
			column: string,
			value: string | number | null,
			expression = "?",
		): void => {
			columns.push(`${column} = ${expression}`);
			values.push(value);
		};
		const { lastSeenMs, seenNowMs } = update;
		const { boot, unlessBootedAfterMs } = update;
		const isConditional =
			boot !== undefined || unlessBootedAfterMs !== undefined;
		if (isConditional && isOvertaken(update, this.#bootOf(name))) return;
		if (update.online !== undefined) set("online", update.online ? 1 : 0);
		if (lastSeenMs !== undefined) {
			const latest = "max(?, coalesce(last_seen_ms, 0))";
			set("last_seen_ms", lastSeenMs, latest);
		}
		if (seenNowMs !== undefined) set("last_seen_ms", seenNowMs);
		if (boot !== undefined) set("boot", JSON.stringify(boot));
		if (update.configRefused !== undefined) {
			set("config_refused", update.configRefused);
		}
		if (update.channels !== undefined) {
			set("channels", this.#mergedChannels(name, update.channels));
		}
		if (update.tags !== undefined) set("tags", JSON.stringify(update.tags));
		if (columns.length === 0) return;
		this.#sql(`UPDATE devices SET ${columns.join(", ")} WHERE name = ?`).run([
			...values,
			name,
		]);
	}

	/** Not the thing that its blocks are of, by whose number they are known: `#things` remembers it. */
	removeDevice(name: string): void {
		this.#sql("DELETE FROM devices WHERE name = ?").run([name]);
	}

	addBinding(thing: string, binding: BootBinding): void {
		const { id } = this.#thing(thing);
		const key = [id, binding.journalId, binding.boot, binding.fromUptimeMs];
		const before = this.#sql(
			"SELECT boot_time_ms FROM bindings WHERE thing = ? AND journal = ? AND boot = ? AND from_uptime_ms <= ? " +
				"ORDER BY from_uptime_ms DESC LIMIT 1",
		).get(key);
		if (before?.[0] === binding.bootTimeMs) return;
		this.#sql(
			"INSERT INTO bindings (thing, journal, boot, from_uptime_ms, boot_time_ms) VALUES (?, ?, ?, ?, ?) " +
				"ON CONFLICT DO NOTHING",
		).run([...key, binding.bootTimeMs]);
	}

	replaceRollups(thing: string, buckets: readonly BucketRows[]): void {
		const { id } = this.#thing(thing);
		for (const { size, bucketMs, mark, rows } of buckets) {
			const code = size === "hour" ? 0 : 1;
			const bucket = bucketMs / (size === "hour" ? HOUR_MS : DAY_MS);
			const { changes } = this.#sql(
				"DELETE FROM dirty_rollups WHERE thing = ? AND size = ? AND bucket = ? AND mark = ?",
			).run([id, code, bucket, mark]);
			if (changes === 0) continue;
			this.#sql(
				"DELETE FROM rollups WHERE thing = ? AND size = ? AND bucket = ? " +
					"AND channel = (SELECT id FROM channels WHERE name = ?)",
			).run([id, code, bucket, UNREADABLE_CHANNEL]);
			for (const row of rows) {
				this.#sql(
					"INSERT OR REPLACE INTO rollups (thing, size, channel, bucket, kind, unit, exponent, count, first, last, min, max, sum) " +
						"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				).run([
					id,
					code,
					this.#channel(row.channel),
					bucket,
					KINDS.indexOf(row.kind),
					row.unit,
					row.exponent,
					row.count,
					row.first,
					row.last,
					row.min,
					row.max,
					row.sum,
				]);
			}
		}
	}

	addPerson(person: Person): boolean {
		const { changes } = this.#sql(
			"INSERT INTO people (subject, name, role, created_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		).run([person.subject, person.name, person.role, person.createdMs]);
		return changes === 1;
	}

	removePerson(subject: string): void {
		this.#sql("DELETE FROM grants WHERE subject = ?").run([subject]);
		this.#sql("DELETE FROM push_subscriptions WHERE subject = ?").run([
			subject,
		]);
		this.#sql("DELETE FROM people WHERE subject = ?").run([subject]);
	}

	grant(subject: string, device: string): void {
		this.#sql(
			"INSERT INTO grants (subject, device) VALUES (?, ?) ON CONFLICT DO NOTHING",
		).run([subject, device]);
	}

	revokeGrant(subject: string, device: string): void {
		this.#sql("DELETE FROM grants WHERE subject = ? AND device = ?").run([
			subject,
			device,
		]);
	}

	#sql(sql: string): Statement {
		return this.#db.statement(sql);
	}

	#thing(name: string): KnownThing {
		const known = this.#things.get(name);
		if (known !== undefined) return known;
		this.#sql(
			"INSERT INTO things (name) VALUES (?) ON CONFLICT DO NOTHING",
		).run([name]);
		const row = this.#sql(
			"SELECT id, max_span_ms FROM things WHERE name = ?",
		).get([name]);
		const thing = {
			id: Number(row?.[0]),
			maxSpanMs: Number(row?.[1]),
			journals: new Map<string, number>(),
		};
		this.#things.set(name, thing);
		return thing;
	}

	#journal(thing: KnownThing, journalId: string): number {
		const known = thing.journals.get(journalId);
		if (known !== undefined) return known;
		this.#sql(
			"INSERT INTO journals (thing, journal) VALUES (?, ?) ON CONFLICT DO NOTHING",
		).run([thing.id, journalId]);
		const row = this.#sql(
			"SELECT id FROM journals WHERE thing = ? AND journal = ?",
		).get([thing.id, journalId]);
		const id = Number(row?.[0]);
		// A node formats its journal rarely; one that names new ones for ever is not remembered for ever.
		if (thing.journals.size >= KEPT_JOURNALS) thing.journals.clear();
		thing.journals.set(journalId, id);
		return id;
	}

	/** Channels are few and rarely written: the database is asked each time. */
	#channel(name: string): number {
		this.#sql(
			"INSERT INTO channels (name) VALUES (?) ON CONFLICT DO NOTHING",
		).run([name]);
		return Number(
			this.#sql("SELECT id FROM channels WHERE name = ?").get([name])?.[0],
		);
	}

	#sameBytes(
		journal: number,
		boot: number,
		sequence: number,
		bytes: Uint8Array,
	): boolean {
		const row = this.#sql(
			"SELECT bytes FROM blocks WHERE journal = ? AND boot = ? AND sequence = ?",
		).get([journal, boot, sequence]);
		const stored = row?.[0];
		return stored instanceof Uint8Array && Buffer.compare(stored, bytes) === 0;
	}

	#coverSpan(thing: KnownThing, spanMs: number): void {
		if (spanMs <= thing.maxSpanMs) return;
		// max(): another process may have written a longer one meanwhile.
		this.#sql(
			"UPDATE things SET max_span_ms = max(max_span_ms, ?) WHERE id = ?",
		).run([spanMs, thing.id]);
		thing.maxSpanMs = spanMs;
	}

	#writeMarks(marks: ReadonlyMap<number, Marks>): void {
		const statement = this.#sql(
			"INSERT INTO dirty_rollups (thing, size, bucket, mark) VALUES (?, ?, ?, ?) " +
				"ON CONFLICT DO UPDATE SET mark = excluded.mark",
		);
		for (const [thing, { hours, days }] of marks) {
			for (const [hour, id] of hours) statement.run([thing, 0, hour, id]);
			for (const [day, id] of days) statement.run([thing, 1, day, id]);
		}
	}

	#bootOf(name: string): DeviceBoot | null {
		const row = this.#sql("SELECT boot FROM devices WHERE name = ?").get([
			name,
		]);
		const boot = row?.[0] ?? null;
		return boot === null ? null : (JSON.parse(String(boot)) as DeviceBoot);
	}

	#mergedChannels(
		name: string,
		channels: NonNullable<DeviceUpdate["channels"]>,
	): string {
		const row = this.#sql("SELECT channels FROM devices WHERE name = ?").get([
			name,
		]);
		const known = JSON.parse(String(row?.[0] ?? "[]")) as Device["channels"];
		const byId = new Map(known.map((channel) => [channel.id, channel]));
		for (const channel of channels) byId.set(channel.id, channel);
		return JSON.stringify([...byId.values()]);
	}
}

function mark(
	marks: Map<number, Marks>,
	thing: number,
	startMs: number,
	spanMs: number,
	id: number,
): void {
	let own = marks.get(thing);
	if (own === undefined) {
		own = { hours: new Map(), days: new Map() };
		marks.set(thing, own);
	}
	const lastMs = startMs + Math.max(spanMs, 1) - 1;
	const lastHour = Math.floor(lastMs / HOUR_MS);
	for (let hour = Math.floor(startMs / HOUR_MS); hour <= lastHour; hour++) {
		own.hours.set(hour, id);
	}
	const lastDay = Math.floor(lastMs / DAY_MS);
	for (let day = Math.floor(startMs / DAY_MS); day <= lastDay; day++) {
		own.days.set(day, id);
	}
}
