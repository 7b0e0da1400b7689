/**
 * The tables, and how a data folder of an older version is brought up to this one. `PRAGMA user_version` counts the
 * migrations that have been made.
 *
 * Blocks lie in the order they arrived, so that storing appends and pages fill up; two narrow indexes find them by
 * start and by identity. Names of things, journals and channels are written once and stand as small integers elsewhere.
 */
import { StoreError } from "../../core/ports.ts";
import { Connection } from "./connection.ts";

/** Each brings the database from the version of its index to the next; never edited once released. */
export const MIGRATIONS: readonly string[] = [
	`
	CREATE TABLE things (
		id INTEGER PRIMARY KEY,
		name TEXT NOT NULL UNIQUE,
		-- The longest span of its blocks: how far before a range a block that reaches into it may start.
		max_span_ms INTEGER NOT NULL DEFAULT 0
	);
	CREATE TABLE journals (
		id INTEGER PRIMARY KEY,
		thing INTEGER NOT NULL,
		journal TEXT NOT NULL,
		UNIQUE (thing, journal)
	);
	CREATE TABLE blocks (
		id INTEGER PRIMARY KEY,
		thing INTEGER NOT NULL,
		start_ms INTEGER,
		span_ms INTEGER NOT NULL,
		journal INTEGER NOT NULL,
		boot INTEGER NOT NULL,
		sequence INTEGER NOT NULL,
		received_ms INTEGER NOT NULL,
		bytes BLOB NOT NULL
	);
	CREATE UNIQUE INDEX blocks_by_identity ON blocks (journal, boot, sequence);
	CREATE INDEX blocks_by_start ON blocks (thing, start_ms) WHERE start_ms IS NOT NULL;
	CREATE INDEX blocks_untimed ON blocks (thing, journal, boot, sequence) WHERE start_ms IS NULL;
	CREATE TABLE dead_letters (
		id INTEGER PRIMARY KEY,
		thing TEXT NOT NULL,
		topic TEXT NOT NULL,
		reason TEXT NOT NULL,
		detail TEXT NOT NULL,
		received_ms INTEGER NOT NULL,
		bytes BLOB NOT NULL
	);
	CREATE INDEX dead_letters_by_thing ON dead_letters (thing);
	CREATE TABLE devices (
		name TEXT PRIMARY KEY,
		created_ms INTEGER NOT NULL,
		online INTEGER NOT NULL DEFAULT 0,
		last_seen_ms INTEGER,
		boot TEXT,
		channels TEXT NOT NULL DEFAULT '[]',
		config_refused TEXT
	) WITHOUT ROWID;
	CREATE TABLE bindings (
		thing INTEGER NOT NULL,
		journal TEXT NOT NULL,
		boot INTEGER NOT NULL,
		from_uptime_ms INTEGER NOT NULL,
		boot_time_ms INTEGER NOT NULL,
		PRIMARY KEY (thing, journal, boot, from_uptime_ms)
	) WITHOUT ROWID;
	CREATE TABLE channels (
		id INTEGER PRIMARY KEY,
		name TEXT NOT NULL UNIQUE
	);
	-- size: 0 hour, 1 day; kind: 0 gauge, 1 counter; bucket: hours or days since the epoch.
	CREATE TABLE rollups (
		thing INTEGER NOT NULL,
		size INTEGER NOT NULL,
		channel INTEGER NOT NULL,
		bucket INTEGER NOT NULL,
		kind INTEGER NOT NULL,
		exponent INTEGER NOT NULL,
		count INTEGER NOT NULL,
		first INTEGER NOT NULL,
		last INTEGER NOT NULL,
		min INTEGER NOT NULL,
		max INTEGER NOT NULL,
		sum INTEGER NOT NULL,
		PRIMARY KEY (thing, size, channel, bucket)
	) WITHOUT ROWID;
	-- mark: the id of the newest block that touches the bucket.
	CREATE TABLE dirty_rollups (
		thing INTEGER NOT NULL,
		size INTEGER NOT NULL,
		bucket INTEGER NOT NULL,
		mark INTEGER NOT NULL,
		PRIMARY KEY (thing, size, bucket)
	) WITHOUT ROWID;
	CREATE TABLE certificates (
		certificate_id TEXT PRIMARY KEY,
		thing TEXT NOT NULL,
		status TEXT NOT NULL,
		created_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE INDEX certificates_by_thing ON certificates (thing);
	`,
	`
	-- By arrival (the id follows the thing), so that what has come since can be asked for.
	DROP INDEX blocks_untimed;
	CREATE INDEX blocks_untimed ON blocks (thing) WHERE start_ms IS NULL;
	-- Units belong to rollups; those without are counted anew. No block has the id 0.
	INSERT OR IGNORE INTO dirty_rollups (thing, size, bucket, mark) SELECT DISTINCT thing, size, bucket, 0 FROM rollups;
	DELETE FROM rollups;
	ALTER TABLE rollups ADD COLUMN unit TEXT NOT NULL DEFAULT '';
	`,
	`
	-- Dead letters can be removed: AUTOINCREMENT keeps the id of one from ever being another's.
	CREATE TABLE dead_letters_2 (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		thing TEXT NOT NULL,
		topic TEXT NOT NULL,
		reason TEXT NOT NULL,
		detail TEXT NOT NULL,
		received_ms INTEGER NOT NULL,
		bytes BLOB NOT NULL
	);
	INSERT INTO dead_letters_2 SELECT id, thing, topic, reason, detail, received_ms, bytes FROM dead_letters;
	DROP TABLE dead_letters;
	ALTER TABLE dead_letters_2 RENAME TO dead_letters;
	CREATE INDEX dead_letters_by_thing ON dead_letters (thing);
	`,
	`
	CREATE TABLE alert_rules (
		id TEXT PRIMARY KEY,
		name TEXT NOT NULL,
		document TEXT NOT NULL
	) WITHOUT ROWID;
	CREATE TABLE alert_states (
		rule TEXT NOT NULL,
		device TEXT NOT NULL,
		version INTEGER NOT NULL,
		due_ms INTEGER,
		document TEXT NOT NULL,
		PRIMARY KEY (rule, device)
	) WITHOUT ROWID;
	CREATE INDEX alert_states_by_device ON alert_states (device, rule);
	CREATE INDEX alert_states_due ON alert_states (due_ms) WHERE due_ms IS NOT NULL;
	-- The id begins with the time.
	CREATE TABLE alert_events (
		id TEXT PRIMARY KEY,
		device TEXT NOT NULL,
		document TEXT NOT NULL
	) WITHOUT ROWID;
	CREATE INDEX alert_events_by_device ON alert_events (device, id);
	CREATE TABLE push_subscriptions (
		subject TEXT NOT NULL,
		id TEXT NOT NULL,
		created_ms INTEGER NOT NULL,
		document TEXT NOT NULL,
		PRIMARY KEY (subject, id)
	) WITHOUT ROWID;
	`,
	`
	CREATE TABLE people (
		subject TEXT PRIMARY KEY,
		name TEXT NOT NULL UNIQUE,
		role TEXT NOT NULL,
		created_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE TABLE grants (
		subject TEXT NOT NULL,
		device TEXT NOT NULL,
		PRIMARY KEY (subject, device)
	) WITHOUT ROWID;
	CREATE INDEX grants_by_device ON grants (device);
	`,
	`
	-- Bindings in the order in which they came, for whoever goes by arrival; blocks are in that order by their id.
	CREATE TABLE binding_arrivals (
		id INTEGER PRIMARY KEY,
		thing INTEGER NOT NULL,
		journal TEXT NOT NULL,
		boot INTEGER NOT NULL
	);
	INSERT INTO binding_arrivals (thing, journal, boot) SELECT DISTINCT thing, journal, boot FROM bindings;
	CREATE TRIGGER binding_arrives AFTER INSERT ON bindings BEGIN
		INSERT INTO binding_arrivals (thing, journal, boot) VALUES (new.thing, new.journal, new.boot);
	END;
	CREATE TABLE arrival_positions (
		name TEXT PRIMARY KEY,
		block_id INTEGER NOT NULL,
		binding_id INTEGER NOT NULL
	) WITHOUT ROWID;
	`,
	`
	-- name: '' for the classic shadow. document: NULL once it has been deleted.
	CREATE TABLE shadows (
		id INTEGER PRIMARY KEY,
		thing TEXT NOT NULL,
		name TEXT NOT NULL,
		version INTEGER NOT NULL,
		updated_ms INTEGER NOT NULL,
		document TEXT,
		UNIQUE (thing, name)
	);
	`,
	`
	ALTER TABLE devices ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
	CREATE TABLE jobs (
		job TEXT PRIMARY KEY,
		created_ms INTEGER NOT NULL,
		document TEXT NOT NULL
	) WITHOUT ROWID;
	-- position: executions of a thing are taken in this order.
	CREATE TABLE job_executions (
		job TEXT NOT NULL,
		thing TEXT NOT NULL,
		status TEXT NOT NULL,
		is_pending INTEGER NOT NULL,
		updated_ms INTEGER NOT NULL,
		position INTEGER NOT NULL,
		document TEXT NOT NULL,
		PRIMARY KEY (job, thing)
	) WITHOUT ROWID;
	CREATE INDEX job_executions_pending ON job_executions (position) WHERE is_pending = 1;
	CREATE INDEX job_executions_by_thing ON job_executions (thing, updated_ms);
	CREATE INDEX job_executions_by_position ON job_executions (position);
	`,
	`
	-- Those of claims have no thing: ''.
	ALTER TABLE certificates ADD COLUMN replaces TEXT;
	CREATE TABLE pending_certificates (
		token_hash TEXT PRIMARY KEY,
		certificate_id TEXT NOT NULL,
		expires_ms INTEGER NOT NULL
	) WITHOUT ROWID;
	CREATE TABLE claims (
		name TEXT PRIMARY KEY,
		allowed_ms INTEGER NOT NULL,
		claimed_ms INTEGER
	) WITHOUT ROWID;
	`,
	`
	-- When an event was kept, by the cloud's clock: by that the history is pruned.
	ALTER TABLE alert_events ADD COLUMN kept_ms INTEGER NOT NULL DEFAULT 0;
	UPDATE alert_events SET kept_ms = CAST(strftime('%s', 'now') AS INTEGER) * 1000;
	CREATE INDEX alert_events_by_age ON alert_events (kept_ms);
	`,
	`
	CREATE TABLE log_lines (
		thing TEXT NOT NULL,
		boot INTEGER NOT NULL,
		number INTEGER NOT NULL,
		received_ms INTEGER NOT NULL,
		document TEXT NOT NULL,
		PRIMARY KEY (thing, boot, number)
	) WITHOUT ROWID;
	CREATE INDEX log_lines_by_age ON log_lines (received_ms);
	-- uptime_ms: 0 where it is not known.
	CREATE TABLE crashes (
		thing TEXT NOT NULL,
		boot INTEGER NOT NULL,
		uptime_ms INTEGER NOT NULL,
		told_ms INTEGER NOT NULL,
		document TEXT NOT NULL,
		PRIMARY KEY (thing, boot, uptime_ms)
	) WITHOUT ROWID;
	CREATE INDEX crashes_by_time ON crashes (told_ms, thing, boot, uptime_ms);
	`,
	`
	CREATE INDEX pending_certificates_by_age ON pending_certificates (expires_ms);
	`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

export interface ConnectionOptions {
	/** How long to wait for another process that writes, ms. */
	readonly busyTimeoutMs: number;
	/** The size the database file may grow to; without it, as large as the disk lets it. */
	readonly maxPages?: number;
}

/**
 * Opens the database for writing, making or migrating it.
 * An acknowledged commit survives the loss of power: `synchronous=FULL` syncs the write-ahead log at each commit.
 * @throws StoreError "newer_version" when a later program made it
 */
export function openForWriting(
	path: string,
	options: ConnectionOptions,
): Connection {
	const db = new Connection(path);
	try {
		db.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs}`);
		refuseNewer(db, path);
		db.exec("PRAGMA journal_mode = WAL");
		db.exec("PRAGMA synchronous = FULL");
		// A checkpoint every 16 MB of log instead of 4: fewer syncs of the database file while blocks pour in.
		db.exec("PRAGMA wal_autocheckpoint = 4096");
		db.exec("PRAGMA journal_size_limit = 33554432");
		db.exec("PRAGMA cache_size = -16384");
		migrate(db, path);
		if (options.maxPages !== undefined) {
			db.exec(`PRAGMA max_page_count = ${options.maxPages}`);
		}
		return db;
	} catch (error) {
		db.close();
		throw error;
	}
}

/** Opens the database for reading; the writer has made it before. */
export function openForReading(
	path: string,
	options: ConnectionOptions,
): Connection {
	const db = new Connection(path);
	db.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs}`);
	db.exec("PRAGMA query_only = ON");
	db.exec("PRAGMA cache_size = -16384");
	return db;
}

function versionOf(db: Connection): number {
	return Number(db.value("PRAGMA user_version"));
}

function refuseNewer(db: Connection, path: string): void {
	const version = versionOf(db);
	if (version > SCHEMA_VERSION) {
		throw new StoreError(
			"newer_version",
			`${path} has data version ${version}, and this program knows versions up to ${SCHEMA_VERSION}. ` +
				"Update thinghz, or name another data folder.",
		);
	}
}

function migrate(db: Connection, path: string): void {
	if (versionOf(db) === SCHEMA_VERSION) return;
	db.transact(() => {
		// Read again inside the transaction: another process may have migrated meanwhile.
		refuseNewer(db, path);
		for (const sql of MIGRATIONS.slice(versionOf(db))) db.exec(sql);
		db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
	});
}
