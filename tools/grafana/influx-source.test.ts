/** Every query of the dashboards and rules on a real InfluxDB 1 that our rows are in: each has to answer with rows. */
import assert from "node:assert/strict";
import { someRows } from "../../cloud/core/contracts/row-store.ts";
import type { Row } from "../../cloud/core/row-ports.ts";
import {
	type InfluxSeries,
	skipWithoutInflux,
	startInflux,
	type TestInflux,
} from "../../cloud/influxdb/fakes/influxd.ts";
import { InfluxRows } from "../../cloud/influxdb/influx-rows.ts";
import type { InfluxTarget } from "../../cloud/influxdb/influx-target.ts";
import { buildBundle } from "./bundle.ts";
import {
	interpolate,
	offered,
	targetsOf,
	variablesOf,
} from "./fakes/read-dashboard.ts";
import { influxSource } from "./influx-source.ts";

const DATABASE = "home";
const FROM = Date.UTC(2026, 2, 1, 12);
const TO = FROM + 3_600_000;
const HEALTH = [
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
];

describe("the queries for InfluxDB", () => {
	let influx: TestInflux;
	let target: InfluxTarget;

	before(async function () {
		skipWithoutInflux(this);
		influx = await startInflux();
		target = {
			url: influx.url,
			api: 1,
			database: DATABASE,
			auth: { type: "none" },
		};
		const store = new InfluxRows(target);
		await store.createDatabase();
		const rows = (channels: readonly string[], count: number): Row[] =>
			Array.from({ length: count }, (_, i) =>
				channels.map((channel) => ({
					channel,
					unit: "°C",
					timeMs: FROM + i * 60_000,
					value: i,
				})),
			).flat();
		await store.write(
			["porch", "porch-2"].flatMap((thing) => [
				someRows({ thing, rows: rows(["temperature", "a.b"], 60) }),
				someRows({
					thing,
					sequence: 2,
					rows: rows(
						HEALTH.map((name) => `health.${name}`),
						60,
					),
				}),
			]),
		);
	});
	after(() => influx?.stop());

	/** As Grafana's data source fills in what is its own. */
	function ask(
		query: unknown,
		channel: string,
	): Promise<readonly InfluxSeries[]> {
		const text = interpolate(String(query), { device: "porch", channel })
			.replaceAll("$timeFilter", `time >= ${FROM}ms and time <= ${TO}ms`)
			.replaceAll("$__interval", "5m");
		assert.doesNotMatch(text, /\$(?!\/)/, text);
		return influx.query(text, DATABASE);
	}

	function bundle() {
		return buildBundle(influxSource(target));
	}

	it("answer with rows, each of them", async () => {
		let asked = 0;
		for (const dashboard of bundle().dashboards) {
			for (const { panel, target } of targetsOf(dashboard)) {
				const series = await ask(target.query, "a.b");
				const rows = series.flatMap(({ values }) => values);
				const name = `${dashboard.title}, ${panel}: ${target.query}`;
				assert.ok(rows.length > 0, name);
				assert.ok(
					rows.some((row) => row.slice(1).some((value) => value !== null)),
					name,
				);
				asked++;
			}
		}
		assert.ok(asked >= 18, String(asked));
	});

	it("answer with the readings of the device and channel that are chosen, and no other", async () => {
		const [, device] = bundle().dashboards;
		assert.ok(device);
		const [readings] = targetsOf(device);
		const [series, ...others] = await ask(readings?.target.query, "a.b");
		assert.deepEqual(others, []);
		assert.deepEqual(series?.columns, ["time", "mean", "min", "max"]);
		assert.deepEqual(series?.values[0], [FROM, 2, 0, 4]);
		assert.equal(series?.values.length, 12);
		// A regular expression's dot is none here.
		assert.deepEqual(await ask(readings?.target.query, "axb"), []);
	});

	it("count devices, and give a row for each", async () => {
		const [fleet] = bundle().dashboards;
		assert.ok(fleet);
		const byPanel = new Map(
			targetsOf(fleet).map(({ panel, target }) => [panel, target.query]),
		);
		const [count] = await ask(byPanel.get("Devices"), "a.b");
		assert.equal(count?.values[0]?.[1], 2);
		const last = await ask(byPanel.get("Last heard"), "a.b");
		assert.deepEqual(
			last.map(({ tags, values }) => [tags?.device, values[0]?.[0]]),
			[
				["porch", FROM + 59 * 60_000],
				["porch-2", FROM + 59 * 60_000],
			],
		);
	});

	it("offer devices and channels to choose from, health not among them", async () => {
		for (const dashboard of bundle().dashboards) {
			for (const variable of variablesOf(dashboard)) {
				const series = await ask(variable.query, "a.b");
				const values = series.flatMap((one) =>
					one.values.map((row) => String(row[1])),
				);
				assert.deepEqual(
					offered(variable, values).sort(),
					variable.name === "device"
						? ["porch", "porch-2"]
						: ["a.b", "temperature"],
					`${dashboard.title}, ${variable.name}`,
				);
			}
		}
	});

	it("of alert rules answer with a series a device, and tell the silent", async () => {
		const { rules = [] } = bundle().ruleGroup;
		const [silent, notWell] = rules.map(
			({ data }) => (data[0]?.model as { query?: unknown } | undefined)?.query,
		);
		const wellSeries = await ask(silent, "a.b");
		assert.deepEqual(
			wellSeries.map(({ tags }) => tags?.device),
			["porch", "porch-2"],
		);
		// The last bucket begins as the range ends, an hour after the first reading and a minute after the last.
		for (const { values } of wellSeries) {
			assert.deepEqual(values.at(-1), [TO, 0]);
			assert.deepEqual(values.at(-2), [TO - 600_000, 10 * (HEALTH.length + 2)]);
		}
		const states = await ask(notWell, "a.b");
		assert.equal(states.length, 6);
		assert.ok(states.every(({ values }) => Number(values[0]?.[1]) > 0));
	});
});
