/** Alerts in the database: what is asked by stands in columns, the rest in documents. */

import type {
	AlertEvent,
	AlertRule,
	AlertState,
	PushSubscription,
} from "../../core/alerts/ports.ts";
import type { Connection, SqlRow } from "./connection.ts";

/** Events of the history beyond its age that go with each new one. */
const PRUNED_AT_ONCE = 64;

export interface AlertWrites {
	putAlertRule(rule: AlertRule): void;
	deleteAlertRule(id: string): void;
	/** @returns false when the one that is there is not the version before */
	putAlertState(state: AlertState): boolean;
	/**
	 * @param nowMs when it is kept: a node's time may be another
	 * @param fromMs where the history begins: what was kept before is removed by and by
	 */
	putAlertEvent(event: AlertEvent, nowMs: number, fromMs: number): void;
	putSubscription(subscription: PushSubscription): void;
	deleteSubscription(subject: string, id: string): void;
}

export interface AlertReads {
	alertRule(id: string): AlertRule | null;
	alertRules(): readonly AlertRule[];
	alertState(ruleId: string, device: string): AlertState | null;
	alertStates(device: string | undefined): readonly AlertState[];
	dueAlertStates(nowMs: number, limit: number): readonly AlertState[];
	/** @param fromMs where the history begins, by when events were kept */
	alertEvents(
		options: {
			readonly limit: number;
			readonly after?: string;
			readonly device?: string;
		},
		fromMs: number,
	): readonly AlertEvent[];
	subscriptions(subject: string): readonly PushSubscription[];
}

export class AlertWriter implements AlertWrites {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	putAlertRule(rule: AlertRule): void {
		this.#run(
			"INSERT OR REPLACE INTO alert_rules (id, name, document) VALUES (?, ?, ?)",
			[rule.id, rule.name, JSON.stringify(rule)],
		);
	}

	deleteAlertRule(id: string): void {
		this.#run("DELETE FROM alert_rules WHERE id = ?", [id]);
		this.#run("DELETE FROM alert_states WHERE rule = ?", [id]);
	}

	putAlertState(state: AlertState): boolean {
		const { ruleId, device, version, dueMs } = state;
		const document = JSON.stringify(state);
		if (version === 1) {
			return this.#run(
				"INSERT INTO alert_states (rule, device, version, due_ms, document) VALUES (?, ?, 1, ?, ?) ON CONFLICT DO NOTHING",
				[ruleId, device, dueMs, document],
			);
		}
		return this.#run(
			"UPDATE alert_states SET version = ?, due_ms = ?, document = ? WHERE rule = ? AND device = ? AND version = ?",
			[version, dueMs, document, ruleId, device, version - 1],
		);
	}

	putAlertEvent(event: AlertEvent, nowMs: number, fromMs: number): void {
		this.#run(
			"INSERT OR REPLACE INTO alert_events (id, device, kept_ms, document) VALUES (?, ?, ?, ?)",
			[event.id, event.device, nowMs, JSON.stringify(event)],
		);
		// Some at a time, so that a commit never waits for all of a long history; faster than new ones come.
		this.#run(
			"DELETE FROM alert_events WHERE id IN (SELECT id FROM alert_events WHERE kept_ms < ? ORDER BY kept_ms LIMIT ?)",
			[fromMs, PRUNED_AT_ONCE],
		);
	}

	putSubscription(subscription: PushSubscription): void {
		const { subject, id, createdMs } = subscription;
		this.#run(
			"INSERT OR REPLACE INTO push_subscriptions (subject, id, created_ms, document) VALUES (?, ?, ?, ?)",
			[subject, id, createdMs, JSON.stringify(subscription)],
		);
	}

	deleteSubscription(subject: string, id: string): void {
		this.#run("DELETE FROM push_subscriptions WHERE subject = ? AND id = ?", [
			subject,
			id,
		]);
	}

	/** @returns whether it changed anything */
	#run(sql: string, parameters: readonly (string | number | null)[]): boolean {
		return this.#db.statement(sql).run(parameters).changes > 0;
	}
}

export class AlertReader implements AlertReads {
	readonly #db: Connection;

	constructor(db: Connection) {
		this.#db = db;
	}

	alertRule(id: string): AlertRule | null {
		return this.#one("SELECT document FROM alert_rules WHERE id = ?", [id]);
	}

	alertRules(): readonly AlertRule[] {
		return this.#all("SELECT document FROM alert_rules ORDER BY name, id", []);
	}

	alertState(ruleId: string, device: string): AlertState | null {
		return this.#one(
			"SELECT document FROM alert_states WHERE rule = ? AND device = ?",
			[ruleId, device],
		);
	}

	alertStates(device: string | undefined): readonly AlertState[] {
		return this.#all(
			`SELECT document FROM alert_states ${device === undefined ? "" : "WHERE device = ?"} ORDER BY device, rule`,
			device === undefined ? [] : [device],
		);
	}

	dueAlertStates(nowMs: number, limit: number): readonly AlertState[] {
		return this.#all(
			"SELECT document FROM alert_states WHERE due_ms <= ? ORDER BY due_ms LIMIT ?",
			[nowMs, limit],
		);
	}

	alertEvents(
		{
			limit,
			after,
			device,
		}: {
			readonly limit: number;
			readonly after?: string;
			readonly device?: string;
		},
		fromMs: number,
	): readonly AlertEvent[] {
		const where = [
			"kept_ms >= ?",
			...(after === undefined ? [] : ["id < ?"]),
			...(device === undefined ? [] : ["device = ?"]),
		].join(" AND ");
		return this.#all(
			`SELECT document FROM alert_events WHERE ${where} ORDER BY id DESC LIMIT ?`,
			[
				fromMs,
				...(after === undefined ? [] : [after]),
				...(device === undefined ? [] : [device]),
				limit,
			],
		);
	}

	subscriptions(subject: string): readonly PushSubscription[] {
		return this.#all(
			"SELECT document FROM push_subscriptions WHERE subject = ? ORDER BY created_ms, id",
			[subject],
		);
	}

	#one<T>(sql: string, parameters: readonly (string | number)[]): T | null {
		const row = this.#db.statement(sql).get(parameters);
		return row === undefined ? null : documentOf(row);
	}

	#all<T>(sql: string, parameters: readonly (string | number)[]): readonly T[] {
		return this.#db
			.statement(sql)
			.all(parameters)
			.map(documentOf<T>);
	}
}

/** What this program has written; its shape is that of the database's version. */
function documentOf<T>(row: SqlRow): T {
	return JSON.parse(String(row[0])) as T;
}
