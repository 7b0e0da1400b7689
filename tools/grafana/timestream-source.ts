/**
 * Queries in Timestream's SQL on what `TimestreamRows` writes: a column a channel, dimensions device, journal and boot,
 * `measure_name` "readings" or "health". Grafana's plugin puts in `$__timeFilter` and `$__interval_ms` (which comes with its
 * unit). Alert rules need series made by CREATE_TIME_SERIES, and all pages of an answer: "Amazon Timestream alerting".
 */
import {
	HEALTH_MEASURE_NAME,
	MEASURE_NAME,
} from "../../cloud/aws/adapters/timestream/records.ts";
import type { Query, Source } from "./source.ts";
import { grafanaVariable, STATES } from "./source.ts";

export interface TimestreamOptions {
	readonly region: string;
	readonly database: string;
	readonly table: string;
}

/** Of the plugin's `format`. */
const TABLE = 0;
const SERIES = 1;

const BIN = "BIN(time, $__interval_ms)";
const COLUMN = `"${grafanaVariable("channel", "raw")}"`;
const OF_DEVICE = `device = '${grafanaVariable("device", "raw")}'`;
const READINGS = `measure_name = '${MEASURE_NAME}'`;
const HEALTH = `measure_name = '${HEALTH_MEASURE_NAME}'`;
const SILENT_S = 900;

export function timestreamSource(options: TimestreamOptions): Source {
	const from = `FROM "${options.database}"."${options.table}"`;
	const within = `${from} WHERE $__timeFilter`;
	// A column a channel, whichever devices have it.
	const channels = {
		query: variable(`DESCRIBE "${options.database}"."${options.table}"`),
		regex: "/^(?!time$|measure_name$|device$|journal$|boot$|health\\.).*$/",
	};
	return {
		kind: "timestream",
		definition: {
			uid: "thinghz-timestream",
			name: "thinghz Timestream",
			type: "grafana-timestream-datasource",
			access: "proxy",
			jsonData: {
				// The role of the workspace, or of the machine that Grafana runs on.
				authType: "default",
				defaultRegion: options.region,
				defaultDatabase: `"${options.database}"`,
				defaultTable: `"${options.table}"`,
				defaultMeasure: MEASURE_NAME,
			},
		},
		deviceVariable: {
			query: variable(
				`SELECT DISTINCT device ${from} WHERE time > ago(30d) ORDER BY 1`,
			),
		},
		channelVariable: channels,
		anyChannelVariable: channels,
		panels: {
			devices: {
				devices: table(`SELECT COUNT(DISTINCT device) AS devices ${within}`),
			},
			lastHeard: {
				last: table(
					`SELECT device, MAX(time) AS "last reading", COUNT(*) AS records ${within} GROUP BY device ORDER BY 2`,
				),
			},
			channelOfAll: {
				value: series(
					`WITH binned AS (SELECT device, ${BIN} AS binned_time, AVG(${COLUMN}) AS value ${within} AND ${READINGS} AND ${COLUMN} IS NOT NULL GROUP BY device, ${BIN}) SELECT device, CREATE_TIME_SERIES(binned_time, value) AS value FROM binned GROUP BY device`,
				),
			},
			readings: {
				readings: table(
					`SELECT ${BIN} AS time, AVG(${COLUMN}) AS mean, MIN(${COLUMN}) AS min, MAX(${COLUMN}) AS max ${within} AND ${READINGS} AND ${OF_DEVICE} AND ${COLUMN} IS NOT NULL GROUP BY ${BIN} ORDER BY 1`,
				),
			},
			channels: {
				last: table(
					`SELECT * ${within} AND ${READINGS} AND ${OF_DEVICE} ORDER BY time DESC LIMIT 1`,
				),
			},
			notWell: {
				state: table(
					`SELECT device, ${lastOf(STATES)} ${within} AND ${HEALTH} GROUP BY device ORDER BY device`,
				),
			},
			states: {
				states: ofHealth(within, lastOf([...STATES, "reset"])),
			},
			health: (channels) => ({
				health: ofHealth(
					within,
					channels
						.map((name) => `MAX("health.${name}") AS "${name}"`)
						.join(", "),
				),
			}),
			volume: {
				records: table(
					`SELECT ${BIN} AS time, COUNT(*) AS records ${within} GROUP BY ${BIN} ORDER BY 1`,
				),
			},
			volumeByDevice: {
				records: series(
					`WITH binned AS (SELECT device, ${BIN} AS binned_time, COUNT(*) AS records ${within} GROUP BY device, ${BIN}) SELECT device, CREATE_TIME_SERIES(binned_time, records) AS records FROM binned GROUP BY device`,
				),
			},
			deadLetters: null,
		},
		alerts: {
			// How long each device has been silent, s: one point a device, at the time of its last reading.
			silent: {
				query: series(
					`WITH heard AS (SELECT device, MAX(time) AS last_time, date_diff('second', MAX(time), now()) AS silent_s ${from} WHERE time > ago(1d) GROUP BY device) SELECT device, CREATE_TIME_SERIES(last_time, silent_s) AS silent_s FROM heard GROUP BY device`,
				),
				lookBackS: 86_400,
			},
			silentWhen: { type: "gt", limit: SILENT_S },
			notWell: {
				query: series(
					`WITH states AS (SELECT device, MAX(time) AS last_time, GREATEST(${["sensors", "settings", "journal"].map((name) => `MAX_BY("health.${name}", time)`).join(", ")}) AS state ${from} WHERE time > ago(3h) AND ${HEALTH} GROUP BY device) SELECT device, CREATE_TIME_SERIES(last_time, state) AS state FROM states GROUP BY device`,
				),
				lookBackS: 3 * 3600,
			},
			configRefused: null,
		},
	};
}

function lastOf(channels: readonly string[]): string {
	return channels
		.map((name) => `MAX_BY("health.${name}", time) AS "${name}"`)
		.join(", ");
}

function ofHealth(within: string, columns: string): Query {
	return table(
		`SELECT ${BIN} AS time, ${columns} ${within} AND ${HEALTH} AND ${OF_DEVICE} GROUP BY ${BIN} ORDER BY 1`,
	);
}

function table(rawQuery: string): Query {
	return { queryType: "raw", rawQuery, format: TABLE };
}

function series(rawQuery: string): Query {
	return { queryType: "raw", rawQuery, format: SERIES, waitForResult: true };
}

function variable(rawQuery: string): Query {
	return { refId: "variable", ...table(rawQuery) };
}
