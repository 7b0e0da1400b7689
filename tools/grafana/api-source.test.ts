/** Every address that the dashboards and rules ask, at our API's own app: each answers 200, with the columns that are read. */
import assert from "node:assert/strict";
import { fakeCloud } from "../../cloud/api/fakes/fake-cloud.ts";
import {
	blockOf,
	DAY,
	gauge,
	testCloud,
} from "../../cloud/core/contracts/fixtures.ts";
import { Devices } from "../../cloud/core/devices.ts";
import { apiSource } from "./api-source.ts";
import { buildBundle } from "./bundle.ts";
import {
	interpolate,
	offered,
	type Target,
	targetsOf,
	variablesOf,
} from "./fakes/read-dashboard.ts";
import { toFiles } from "./files.ts";

const URL_OF_API = "https://cloud.example";
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

interface Column {
	readonly selector: string;
	readonly type: string;
}

describe("the queries for our API", () => {
	const bundle = buildBundle(
		apiSource({ url: URL_OF_API, auth: { token: "t" } }),
	);
	const CLIENT = {
		tokenUrl: "https://sign-in.example/oauth2/token",
		clientId: "7n2c4m",
		clientSecret: "of the client",
		scope: "thinghz/read",
	};
	const byClient = buildBundle(apiSource({ url: URL_OF_API, auth: CLIENT }));
	const core = testCloud();
	const cloud = fakeCloud({
		devices: new Devices(core),
		queries: core.queries,
		deadLetters: core.stores.deadLetters,
		clock: core.clock,
	});

	before(async () => {
		await core.stores.devices.create("boiler", DAY);
		await core.stores.devices.update("boiler", {
			lastSeenMs: core.clock.now,
			boot: {
				board: "virtual",
				firmware: "1.0.0",
				journalId: "00000000000000a1",
				boot: 1,
				resetReason: "power_on",
				atMs: DAY,
			},
		});
		const column = Int32Array.from({ length: 60 }, (_, i) => i);
		await core.accept(
			blockOf([...column], { intervalMs: 60_000 }),
			blockOf([...column], {
				sequence: 2,
				intervalMs: 60_000,
				channels: HEALTH.map((name) => gauge(`health.${name}`)),
				columns: HEALTH.map(() => column),
			}),
			Uint8Array.of(1, 2, 3),
		);
	});

	async function rowsOf(
		target: Target,
		who: "admin" | "reader" = "admin",
	): Promise<Record<string, unknown>[]> {
		const path = interpolate(String(target.url), {
			device: "boiler",
			channel: "t",
			every: "5m",
			__from: new Date(DAY).toISOString(),
			__to: new Date(DAY + 3_600_000).toISOString(),
		});
		const response = await cloud.getAs(who, path);
		const body = (await response.json()) as Record<string, unknown>;
		assert.equal(response.status, 200, `${path}: ${JSON.stringify(body)}`);
		const root = String(target.root_selector);
		return root === "" ? [body] : (body[root] as Record<string, unknown>[]);
	}

	/** As the plugin's backend reads "boot.resetReason". */
	function read(row: Record<string, unknown>, selector: string): unknown {
		return selector
			.split(".")
			.reduce<unknown>(
				(value, member) => (value as Record<string, unknown>)[member],
				row,
			);
	}

	async function assertAnswers(
		target: Target,
		name: string,
		who?: "reader",
	): Promise<void> {
		const rows = await rowsOf(target, who);
		assert.ok(rows.length > 0, name);
		for (const { selector, type } of target.columns as readonly Column[]) {
			for (const row of rows) {
				const value = read(row, selector);
				assert.notEqual(value, undefined, `${name}: ${selector}`);
				if (value === null) continue;
				if (type === "number") assert.equal(typeof value, "number", name);
				if (type === "timestamp") {
					assert.ok(!Number.isNaN(Date.parse(String(value))), name);
				}
			}
		}
	}

	it("answer 200 with the columns that are read, each of them", async () => {
		let asked = 0;
		for (const dashboard of bundle.dashboards) {
			for (const { panel, target } of targetsOf(dashboard)) {
				await assertAnswers(target, `${dashboard.title}, ${panel}`);
				asked++;
			}
		}
		assert.ok(asked >= 20, String(asked));
	});

	it("of alert rules do so as well, without a dashboard's variables", async () => {
		for (const { data, title } of bundle.ruleGroup.rules ?? []) {
			const target = data[0]?.model as unknown as Target;
			assert.doesNotMatch(String(target.url), /\$/);
			assert.equal(target.parser, "backend");
			await assertAnswers(target, title);
		}
	});

	it("offer devices and channels to choose from, health not among them", async () => {
		for (const dashboard of bundle.dashboards) {
			for (const variable of variablesOf(dashboard)) {
				if (variable.type === "custom") continue;
				const { infinityQuery } = variable.query as {
					readonly infinityQuery: Target;
				};
				const [column] = infinityQuery.columns as readonly Column[];
				const rows = await rowsOf(infinityQuery);
				assert.deepEqual(
					offered(
						variable,
						rows.map((row) => String(row[column?.selector ?? ""])),
					),
					variable.name === "device" ? ["boiler"] : ["t"],
				);
			}
		}
	});

	it("answer a program that only reads, each that it is given", async () => {
		for (const dashboard of byClient.dashboards) {
			for (const { panel, target } of targetsOf(dashboard)) {
				await assertAnswers(target, `${dashboard.title}, ${panel}`, "reader");
			}
		}
		for (const { data, title } of byClient.ruleGroup.rules ?? []) {
			const target = data[0]?.model as unknown as Target;
			await assertAnswers(target, title, "reader");
		}
		assert.doesNotMatch(JSON.stringify(byClient.dashboards), /deadletters/);
	});

	it("are asked by client credentials where there is a client, as the plugin reads them", () => {
		const { jsonData, secureJsonData } = byClient.dataSource;
		assert.equal(jsonData.auth_method, "oauth2");
		assert.deepEqual(jsonData.oauth2, {
			oauth2_type: "client_credentials",
			client_id: CLIENT.clientId,
			token_url: CLIENT.tokenUrl,
			scopes: [CLIENT.scope],
		});
		assert.deepEqual(secureJsonData, {
			oauth2ClientSecret: CLIENT.clientSecret,
		});
		const provisioned = toFiles(byClient).get(
			"provisioning/datasources/thinghz.yaml",
		);
		assert.match(
			provisioned ?? "",
			/"oauth2ClientSecret": "\$THINGHZ_OAUTH2_CLIENT_SECRET"/,
		);
	});

	it("ask nobody else with the token", () => {
		const { jsonData, url } = bundle.dataSource;
		assert.equal(url, URL_OF_API);
		assert.deepEqual(jsonData.allowedHosts, [URL_OF_API]);
		for (const dashboard of bundle.dashboards) {
			for (const { target } of targetsOf(dashboard)) {
				assert.match(String(target.url), /^\/v1\//);
			}
		}
	});
});
