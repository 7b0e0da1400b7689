/**
 * Timestream's SQL as far as it can be tried without Timestream: on an SQLite table of the same columns, once what only
 * Timestream has (BIN, CREATE_TIME_SERIES, MAX_BY, GREATEST, ago, date_diff) is put into SQLite's words. That finds errors of syntax, of
 * columns and of grouping; not whether Timestream understands each word as we do.
 */
import assert from "node:assert/strict";
import Database from "libsql";
import { columnOf } from "../../cloud/aws/adapters/timestream/records.ts";
import { buildBundle } from "./bundle.ts";
import {
	interpolate,
	offered,
	targetsOf,
	variablesOf,
} from "./fakes/read-dashboard.ts";
import { timestreamSource } from "./timestream-source.ts";

const COLUMNS = [
	"temperature",
	columnOf("time"),
	...[
		"link",
		"clock",
		"sensors",
		"settings",
		"journal",
		"reset",
		"heap_peak",
		"heap_free",
		"rssi",
		"depth",
		"dropped",
		"missed",
		"live_dropped",
		"reconnects",
		"sensor_faults",
	].map((name) => `health.${name}`),
];
const NOW = 1_772_370_000_000;

function toSqlite(sql: string): string {
	return sql
		.replaceAll("$__timeFilter", `time BETWEEN ${NOW - 3_600_000} AND ${NOW}`)
		.replaceAll(/BIN\(time, \$__interval_ms\)/g, "(time / 60000 * 60000)")
		.replaceAll(
			/CREATE_TIME_SERIES\((\w+), (\w+)\)/g,
			"json_group_array($1 || ':' || $2)",
		)
		.replaceAll(/MAX_BY\(("[^"]+"), time\)/g, "MAX($1)")
		.replaceAll("GREATEST(", "MAX(")
		.replaceAll(
			/date_diff\('second', (MAX\(time\)), now\(\)\)/g,
			`((${NOW} - $1) / 1000)`,
		)
		.replaceAll(/ago\((\d+)([dh])\)/g, (_, count: string, unit: string) =>
			String(NOW - Number(count) * (unit === "d" ? 86_400_000 : 3_600_000)),
		)
		.replaceAll('"thinghz"."readings"', "readings");
}

describe("the queries for Timestream", () => {
	const bundle = buildBundle(
		timestreamSource({
			region: "eu-central-1",
			database: "thinghz",
			table: "readings",
		}),
	);
	const db = new Database(":memory:");

	before(() => {
		db.exec(
			`CREATE TABLE readings (time INTEGER, measure_name TEXT, device TEXT, journal TEXT, boot TEXT, ${COLUMNS.map((name) => `"${name}" REAL`).join(", ")})`,
		);
		const insert = db.prepare(
			`INSERT INTO readings VALUES (${Array(5 + COLUMNS.length)
				.fill("?")
				.join(", ")})`,
		);
		for (const device of ["porch", "roof"]) {
			for (let i = 0; i < 60; i++) {
				const time = NOW - 3_600_000 + i * 60_000;
				const health = COLUMNS.map((name) =>
					name.startsWith("health.") ? i : null,
				);
				const readings = COLUMNS.map((name) =>
					name.startsWith("health.") ? null : i,
				);
				insert.run([time, "readings", device, "a1", "1", ...readings]);
				insert.run([time, "health", device, "a1", "1", ...health]);
			}
		}
	});
	after(() => db.close());

	function ask(
		target: Readonly<Record<string, unknown>>,
	): Record<string, unknown>[] {
		const sql = toSqlite(
			interpolate(String(target.rawQuery), {
				device: "porch",
				channel: "temperature",
			}),
		);
		assert.doesNotMatch(sql, /\$|BIN|ago\(|now\(\)/, sql);
		return db.prepare(sql).all([]) as Record<string, unknown>[];
	}

	it("answer with rows, each of them", () => {
		for (const dashboard of bundle.dashboards) {
			for (const { panel, target } of targetsOf(dashboard)) {
				const rows = ask(target);
				assert.ok(rows.length > 0, `${dashboard.title}, ${panel}`);
				assert.ok(
					Object.values(rows[0] ?? {}).every(
						(value) => value !== null || panel === "Channels",
					),
					`${dashboard.title}, ${panel}`,
				);
			}
		}
	});

	it("say that they are series where CREATE_TIME_SERIES makes them, and tables with a column time elsewhere", () => {
		for (const dashboard of bundle.dashboards) {
			for (const { target } of targetsOf(dashboard)) {
				const sql = String(target.rawQuery);
				const isSeries = sql.includes("CREATE_TIME_SERIES");
				assert.equal(target.format, isSeries ? 1 : 0, sql);
				if (sql.includes("$__interval_ms") && !isSeries) {
					assert.ok("time" in (ask(target)[0] ?? {}), sql);
				}
			}
		}
	});

	it("of alert rules answer with a series a device, and wait for all pages", () => {
		for (const { data, title } of bundle.ruleGroup.rules ?? []) {
			const model = data[0]?.model as unknown as Record<string, unknown>;
			const rows = ask(model);
			assert.deepEqual(
				rows.map(({ device }) => device),
				["porch", "roof"],
				title,
			);
			assert.equal(model.format, 1);
			assert.equal(model.waitForResult, true);
		}
		const [silent] = bundle.ruleGroup.rules ?? [];
		const [row] = ask(
			silent?.data[0]?.model as unknown as Record<string, unknown>,
		);
		assert.deepEqual(JSON.parse(String(row?.silent_s)), [`${NOW - 60_000}:60`]);
	});

	it("offer the columns of channels, health and dimensions not among them", () => {
		const [, device] = bundle.dashboards;
		assert.ok(device);
		const channel = variablesOf(device).find(({ name }) => name === "channel");
		assert.ok(channel);
		assert.match(JSON.stringify(channel.query), /DESCRIBE/);
		assert.deepEqual(
			offered(channel, [
				"time",
				"measure_name",
				"device",
				"journal",
				"boot",
				...COLUMNS,
			]),
			["temperature", "channel-time"],
		);
	});
});
