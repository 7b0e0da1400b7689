/** What holds of every dashboard and rule, whatever the source: Grafana itself is not to be had in a test. */
import assert from "node:assert/strict";
import { parseInfluxUrl } from "../../cloud/influxdb/influx-target.ts";
import { apiSource } from "./api-source.ts";
import { buildBundle } from "./bundle.ts";
import { targetsOf, variablesOf } from "./fakes/read-dashboard.ts";
import { toFiles } from "./files.ts";
import { influxSource } from "./influx-source.ts";
import { refOf } from "./source.ts";
import { timestreamSource } from "./timestream-source.ts";

const SOURCES = {
	influxdb: () =>
		influxSource(parseInfluxUrl("http://influx:8086/home", "me:secret")),
	"influxdb 2": () =>
		influxSource(
			parseInfluxUrl("http://influx:8086/?org=a&bucket=b", "secret"),
		),
	timestream: () =>
		timestreamSource({
			region: "eu-central-1",
			database: "thinghz",
			table: "readings",
		}),
	api: () =>
		apiSource({ url: "https://cloud.example", auth: { token: "secret" } }),
	"api on AWS": () =>
		apiSource({
			url: "https://cloud.example",
			auth: {
				tokenUrl: "https://sign-in.example/oauth2/token",
				clientId: "grafana",
				clientSecret: "secret",
				scope: "thinghz/read",
			},
		}),
};

for (const [name, make] of Object.entries(SOURCES)) {
	describe(`what Grafana is told for ${name}`, () => {
		const source = make();
		const bundle = buildBundle(source);

		it("is the same each time, without a secret but in the data source", () => {
			assert.equal(JSON.stringify(buildBundle(make())), JSON.stringify(bundle));
			const { dataSource, ...rest } = bundle;
			assert.doesNotMatch(JSON.stringify(rest), /secret/);
			const { secureJsonData, ...open } = dataSource;
			assert.doesNotMatch(JSON.stringify(open), /[^:]secret/);
			if (name !== "timestream") {
				assert.match(JSON.stringify(secureJsonData), /secret/);
			}
			for (const [path, text] of toFiles(bundle)) {
				assert.doesNotMatch(text, /[^:]secret/, path);
				JSON.parse(text);
			}
		});

		it("has the four dashboards, each with a uid of its own", () => {
			assert.deepEqual(
				bundle.dashboards.map(({ uid }) => uid),
				["thinghz-fleet", "thinghz-device", "thinghz-health", "thinghz-ingest"],
			);
		});

		for (const dashboard of bundle.dashboards) {
			it(`has a data source and queries for each panel of ${dashboard.uid}, and a place that no other has`, () => {
				const { panels } = dashboard as unknown as {
					panels: readonly {
						id: number;
						title: string;
						type: string;
						datasource: unknown;
						targets: readonly { refId: string; datasource: unknown }[];
						gridPos: { x: number; y: number; w: number; h: number };
					}[];
				};
				assert.ok(panels.length > 0);
				assert.deepEqual(
					panels.map(({ id }) => id),
					panels.map((_, i) => i + 1),
				);
				for (const [i, panel] of panels.entries()) {
					assert.deepEqual(panel.datasource, refOf(source), panel.title);
					assert.ok(panel.targets.length > 0, panel.title);
					assert.equal(
						new Set(panel.targets.map(({ refId }) => refId)).size,
						panel.targets.length,
					);
					for (const target of panel.targets) {
						assert.deepEqual(target.datasource, refOf(source));
					}
					const { x, y, w, h } = panel.gridPos;
					assert.ok(x >= 0 && w > 0 && x + w <= 24, panel.title);
					for (const { gridPos: other } of panels.slice(0, i)) {
						const apart =
							other.x + other.w <= x ||
							x + w <= other.x ||
							other.y + other.h <= y ||
							y + h <= other.y;
						assert.ok(apart, `${panel.title} covers another`);
					}
				}
			});

			it(`has every variable that ${dashboard.uid} names, and no other`, () => {
				const used = new Set(
					[
						...JSON.stringify([
							targetsOf(dashboard),
							variablesOf(dashboard).map(({ query }) => query),
						]).matchAll(/\$\{(\w+)(:[^}]*)?\}/g),
					]
						.map(([, variable = ""]) => variable)
						.filter((variable) => !variable.startsWith("__")),
				);
				assert.deepEqual(
					variablesOf(dashboard)
						.map((variable) => variable.name)
						.sort(),
					[...used].sort(),
				);
			});
		}

		it("has rules that end in a condition, on queries of the data source", () => {
			const { rules = [], interval } = bundle.ruleGroup;
			assert.ok(rules.length >= 2);
			assert.equal(interval, 60);
			assert.equal(new Set(rules.map(({ uid }) => uid)).size, rules.length);
			for (const rule of rules) {
				assert.equal(rule.folderUID, bundle.folder.uid);
				assert.equal(rule.ruleGroup, bundle.ruleGroup.title);
				assert.equal(rule.condition, "C");
				assert.deepEqual(
					rule.data.map(({ refId, datasourceUid }) => [refId, datasourceUid]),
					[
						["A", bundle.dataSource.uid],
						["B", "__expr__"],
						["C", "__expr__"],
					],
				);
				const [query, reduce, threshold] = rule.data.map(
					({ model }) => model as unknown as Record<string, unknown>,
				);
				assert.deepEqual(query?.datasource, refOf(source));
				// No dashboard is there to give a variable its value.
				assert.doesNotMatch(
					JSON.stringify(query),
					/\$\{(device|channel|every)/,
				);
				assert.deepEqual(
					[reduce?.type, reduce?.expression, reduce?.reducer],
					["reduce", "A", "last"],
				);
				assert.deepEqual(
					[threshold?.type, threshold?.expression],
					["threshold", "B"],
				);
			}
		});
	});
}
