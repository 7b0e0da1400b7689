/**
 * Queries in InfluxQL on what `InfluxRows` writes: measurement `readings`, field `value`, tags device, channel, unit, journal and
 * boot. InfluxQL is spoken by InfluxDB 1, and by version 2 where the bucket is mapped to a database.
 */
import type { InfluxTarget } from "../../cloud/influxdb/influx-target.ts";
import { MEASUREMENT } from "../../cloud/influxdb/line-protocol.ts";
import type { DataSourceDefinition, Query, Source } from "./source.ts";
import { grafanaVariable, STATES } from "./source.ts";

const FROM = `FROM "${MEASUREMENT}"`;
const DEVICE = `"device" =~ /^${grafanaVariable("device", "regex")}$/`;
const CHANNEL = `"channel" =~ /^${grafanaVariable("channel", "regex")}$/`;
const NO_HEALTH = "/^(?!health\\.).*$/";
const DAY_S = 86_400;

export function influxSource(target: InfluxTarget): Source {
	return {
		kind: "influxdb",
		definition: definitionOf(target),
		deviceVariable: { query: `SHOW TAG VALUES ${FROM} WITH KEY = "device"` },
		channelVariable: {
			query: `SHOW TAG VALUES ${FROM} WITH KEY = "channel" WHERE ${DEVICE}`,
			regex: NO_HEALTH,
		},
		anyChannelVariable: {
			query: `SHOW TAG VALUES ${FROM} WITH KEY = "channel"`,
			regex: NO_HEALTH,
		},
		panels: {
			devices: {
				devices: table(
					`SELECT count("last") AS "devices" FROM (SELECT last("value") ${FROM} WHERE $timeFilter GROUP BY "device")`,
				),
			},
			lastHeard: {
				last: table(
					`SELECT last("value") AS "value", "channel" ${FROM} WHERE $timeFilter GROUP BY "device"`,
				),
			},
			channelOfAll: {
				value: series(
					`SELECT mean("value") ${FROM} WHERE ${CHANNEL} AND $timeFilter GROUP BY time($__interval), "device" fill(none)`,
					"$tag_device",
				),
			},
			readings: {
				readings: series(
					`SELECT mean("value") AS "mean", min("value") AS "min", max("value") AS "max" ${FROM} WHERE ${DEVICE} AND ${CHANNEL} AND $timeFilter GROUP BY time($__interval) fill(none)`,
					"$col",
				),
			},
			channels: {
				last: table(
					`SELECT last("value") AS "value" ${FROM} WHERE ${DEVICE} AND $timeFilter GROUP BY "channel", "unit"`,
				),
			},
			notWell: {
				state: table(
					`SELECT last("value") AS "state" ${FROM} WHERE "channel" =~ /^health\\.(${STATES.join("|")})$/ AND $timeFilter GROUP BY "device", "channel"`,
				),
			},
			states: ofHealth([...STATES, "reset"], "last"),
			health: (channels) => ofHealth(channels, "max"),
			volume: {
				readings: series(
					`SELECT count("value") ${FROM} WHERE $timeFilter GROUP BY time($__interval) fill(0)`,
					"readings",
				),
			},
			volumeByDevice: {
				readings: series(
					`SELECT count("value") ${FROM} WHERE $timeFilter GROUP BY time($__interval), "device" fill(0)`,
					"$tag_device",
				),
			},
			deadLetters: null,
		},
		alerts: {
			// Readings of 10 minutes: a device that has been heard that day has a bucket for each, empty or not.
			silent: {
				query: series(
					`SELECT count("value") ${FROM} WHERE $timeFilter GROUP BY time(10m), "device" fill(0)`,
					"$tag_device",
				),
				lookBackS: DAY_S,
			},
			silentWhen: { type: "lt", limit: 1 },
			notWell: {
				query: series(
					`SELECT last("value") ${FROM} WHERE "channel" =~ /^health\\.(sensors|settings|journal)$/ AND $timeFilter GROUP BY "device", "channel"`,
					"$tag_device $tag_channel",
				),
				lookBackS: 3 * 3600,
			},
			configRefused: null,
		},
	};
}

function ofHealth(
	channels: readonly string[],
	aggregate: "last" | "max",
): Record<string, Query> {
	return Object.fromEntries(
		channels.map((channel) => [
			channel,
			series(
				`SELECT ${aggregate}("value") ${FROM} WHERE ${DEVICE} AND "channel" = 'health.${channel}' AND $timeFilter GROUP BY time($__interval) fill(none)`,
				channel,
			),
		]),
	);
}

function series(query: string, alias: string): Query {
	return { rawQuery: true, query, alias, resultFormat: "time_series" };
}

function table(query: string): Query {
	return { rawQuery: true, query, resultFormat: "table" };
}

/** "Provision the InfluxDB data source" of Grafana's documentation. */
function definitionOf(target: InfluxTarget): DataSourceDefinition {
	const { auth, url } = target;
	const common = {
		uid: "thinghz-influxdb",
		name: "thinghz InfluxDB",
		type: "influxdb",
		access: "proxy",
		url,
	} as const;
	const dbName = target.api === 1 ? target.database : target.bucket;
	const jsonData = { version: "InfluxQL", dbName, httpMode: "POST" };
	switch (auth.type) {
		case "none":
			return { ...common, jsonData };
		case "token":
			return {
				...common,
				jsonData: { ...jsonData, httpHeaderName1: "Authorization" },
				secureJsonData: { httpHeaderValue1: `Token ${auth.token}` },
			};
		case "basic":
		case "session":
			return {
				...common,
				basicAuth: true,
				basicAuthUser: auth.user,
				jsonData,
				secureJsonData: { basicAuthPassword: auth.password },
			};
	}
}
