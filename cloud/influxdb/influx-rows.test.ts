/** Against a real InfluxDB 1; what is of version 2 against a front before it: see fakes/influx2-front.ts. */
import assert from "node:assert/strict";
import {
	ROWS_FROM,
	rowStoreContract,
	someRows,
} from "../core/contracts/row-store.ts";
import { StoreError } from "../core/ports.ts";
import { type Row, RowsRejected } from "../core/row-ports.ts";
import { type Influx2Front, startInflux2Front } from "./fakes/influx2-front.ts";
import {
	rowsIn,
	skipWithoutInflux,
	startInflux,
	type TestInflux,
} from "./fakes/influxd.ts";
import { InfluxRows } from "./influx-rows.ts";
import type { InfluxAuth, InfluxTarget } from "./influx-target.ts";

const HOUR_MS = 3_600_000;

describe("InfluxRows", () => {
	let influx: TestInflux;
	let databases = 0;

	before(async function () {
		skipWithoutInflux(this);
		influx = await startInflux();
	});
	after(() => influx?.stop());

	function targetOf(database: string, auth?: InfluxAuth): InfluxTarget {
		return {
			url: influx.url,
			api: 1,
			database,
			auth: auth ?? { type: "none" },
		};
	}

	async function newDatabase(): Promise<string> {
		const database = `test-${++databases}`;
		await new InfluxRows(targetOf(database)).createDatabase();
		return database;
	}

	/**
	 * Makes InfluxDB refuse our rows of a time: somebody else has written integers there, and a shard keeps to the type
	 * that it has seen first.
	 */
	async function refuseBefore(database: string): Promise<number> {
		const timeMs = ROWS_FROM - 60 * 24 * HOUR_MS;
		await influx.write(`readings,device=other value=1i ${timeMs}`, database);
		return timeMs;
	}

	rowStoreContract("InfluxDB 1", async () => {
		const database = await newDatabase();
		return {
			store: new InfluxRows(targetOf(database)),
			rows: (thing) => rowsIn(influx, database, thing),
			refusedMs: await refuseBefore(database),
			takeDown: () => influx.kill(),
		};
	});

	describe("of InfluxDB 1", () => {
		before(async () => {
			await influx.kill();
			await influx.start();
		});

		it("keeps the units of channels, whatever a node calls them", async () => {
			const database = await newDatabase();
			const units = [
				"°C",
				"",
				"a,b=c d",
				'he said "x"',
				"\\",
				"m\\",
				"a\nb",
				"µg/m³",
				"#",
				"'",
			];
			const rows: Row[] = units.map((unit, i) => ({
				channel: `c${i}`,
				unit,
				timeMs: ROWS_FROM,
				value: i,
			}));
			await new InfluxRows(targetOf(database)).write([someRows({ rows })]);
			const kept = await rowsIn(influx, database, "boiler");
			assert.deepEqual(
				kept
					.toSorted((a, b) => a.value - b.value)
					.map(({ channel, unit }) => [channel, unit]),
				[..."0123456789"].map((i) => [
					`c${i}`,
					[
						"°C",
						"",
						"a,b=c d",
						'he said "x"',
						"_",
						"m_",
						"a_b",
						"µg/m³",
						"#",
						"'",
					][Number(i)],
				]),
			);
		});

		it("writes a block of 65,536 rows", async () => {
			const database = await newDatabase();
			const rows = Array.from({ length: 65_536 }, (_, i) => ({
				channel: `c${i % 16}`,
				unit: "",
				timeMs: ROWS_FROM + (i >> 4) * 100,
				value: i,
			}));
			await new InfluxRows(targetOf(database)).write([someRows({ rows })]);
			const [counts] = await influx.query(
				"SELECT count(value), sum(value) FROM readings",
				database,
			);
			assert.deepEqual(counts?.values[0]?.slice(1), [
				65_536,
				(65_536 * 65_535) / 2,
			]);
		});

		it("names each block of which something is refused, among many", async () => {
			const database = await newDatabase();
			const refusedMs = await refuseBefore(database);
			const blocks = Array.from({ length: 9 }, (_, sequence) =>
				someRows({
					sequence,
					rows: [
						{
							channel: "t",
							unit: "",
							timeMs: ROWS_FROM + sequence,
							value: sequence,
						},
						...(sequence % 4 === 1
							? [{ channel: "t", unit: "", timeMs: refusedMs, value: 1 }]
							: []),
					],
				}),
			);
			await assert.rejects(
				new InfluxRows(targetOf(database)).write(blocks),
				(error: unknown) => {
					assert.ok(error instanceof RowsRejected);
					assert.deepEqual(
						error.rejected.map(({ sequence, timeMs }) => [sequence, timeMs]),
						[
							[1, null],
							[5, null],
						],
					);
					assert.match(error.rejected[0]?.reason ?? "", /field type conflict/);
					return true;
				},
			);
			const kept = await rowsIn(influx, database, "boiler");
			assert.deepEqual(
				kept.map(({ value }) => value).sort(),
				[0, 1, 2, 3, 4, 5, 6, 7, 8],
			);
		});

		it("says that the database is missing, and makes it when it is told to", async () => {
			const database = `odd "name"-${++databases}`;
			const store = new InfluxRows(targetOf(database));
			await assert.rejects(
				store.write([someRows()]),
				(error: unknown) =>
					error instanceof StoreError && error.code === "missing",
			);
			await store.createDatabase();
			await store.createDatabase();
			await store.write([someRows()]);
			assert.equal((await rowsIn(influx, database, "boiler")).length, 1);
		});

		it("fails with StoreError where something else than InfluxDB answers", async () => {
			const store = new InfluxRows({
				...targetOf("x"),
				url: `${influx.url}/ping?`,
			});
			await assert.rejects(store.write([someRows()]), StoreError);
		});
	});

	describe("of InfluxDB 2", () => {
		let front: Influx2Front;
		let database: string;

		beforeEach(async () => {
			database = await newDatabase();
			front = await startInflux2Front({
				influxUrl: influx.url,
				database,
				org: "home & co",
				bucket: "readings",
				token: "secret==",
				user: "admin",
				password: "pässword:1",
			});
		});
		afterEach(() => front?.close());

		function storeOf(auth: InfluxAuth, bucket = "readings"): InfluxRows {
			return new InfluxRows({
				url: front.url,
				api: 2,
				org: "home & co",
				bucket,
				auth,
			});
		}
		const SESSION = {
			type: "session",
			user: "admin",
			password: "pässword:1",
		} as const;

		it("writes with a token", async () => {
			await storeOf({ type: "token", token: "secret==" }).write([someRows()]);
			assert.equal((await rowsIn(influx, database, "boiler")).length, 1);
		});

		it("signs in once, and again when the session has ended", async () => {
			const store = storeOf(SESSION);
			await store.write([someRows()]);
			await store.write([someRows({ sequence: 2 })]);
			assert.equal(front.signIns, 1);
			front.endSession();
			await store.write([someRows({ thing: "roof" })]);
			assert.equal(front.signIns, 2);
			assert.equal((await rowsIn(influx, database, "roof")).length, 1);
		});

		for (const [what, auth] of [
			["token", { type: "token", token: "other" }],
			["password", { ...SESSION, password: "other" }],
		] as const) {
			it(`says denied for a wrong ${what}`, async () => {
				await assert.rejects(
					storeOf(auth).write([someRows()]),
					(error: unknown) =>
						error instanceof StoreError && error.code === "denied",
				);
			});
		}

		it("says that the bucket is missing", async () => {
			await assert.rejects(
				storeOf(SESSION, "other").write([someRows()]),
				(error: unknown) =>
					error instanceof StoreError && error.code === "missing",
			);
		});

		for (const [status, code] of [
			[429, "throttled"],
			[503, "unavailable"],
			[200, "unavailable"],
		] as const) {
			it(`says ${code} when it is answered ${status}`, async () => {
				front.nextStatus = status;
				await assert.rejects(
					storeOf(SESSION).write([someRows()]),
					(error: unknown) =>
						error instanceof StoreError && error.code === code,
				);
			});
		}

		it("names the block whose rows are refused", async () => {
			const refusedMs = await refuseBefore(database);
			const bad = someRows({
				sequence: 7,
				rows: [{ channel: "t", unit: "", timeMs: refusedMs, value: 1 }],
			});
			await assert.rejects(
				storeOf(SESSION).write([bad, someRows()]),
				(error: unknown) =>
					error instanceof RowsRejected && error.rejected[0]?.sequence === 7,
			);
			assert.equal((await rowsIn(influx, database, "boiler")).length, 1);
		});
	});
});
