/** Against a stub that behaves as the documentation says: see fakes/stub-timestream.ts for what that shows and what not. */
import assert from "node:assert/strict";
import { TimestreamWriteClient } from "@aws-sdk/client-timestream-write";
import {
	ROWS_FROM,
	rowStoreContract,
	someRows,
} from "../../../core/contracts/row-store.ts";
import { StoreError } from "../../../core/ports.ts";
import { type Row, RowsRejected } from "../../../core/row-ports.ts";
import {
	DATABASE,
	type StubTimestream,
	startStubTimestream,
	TABLE,
} from "./fakes/stub-timestream.ts";
import { columnOf } from "./records.ts";
import { TimestreamRows } from "./timestream-rows.ts";

describe("TimestreamRows", () => {
	let stub: StubTimestream;
	let client: TimestreamWriteClient;

	async function start(table = TABLE): Promise<TimestreamRows> {
		stub = await startStubTimestream();
		client = new TimestreamWriteClient({
			region: "eu-central-1",
			endpoint: stub.endpoint,
			credentials: { accessKeyId: "test", secretAccessKey: "test" },
			maxAttempts: 1,
		});
		return new TimestreamRows({ client, database: DATABASE, table });
	}

	afterEach(async () => {
		client.destroy();
		await stub.close();
	});

	rowStoreContract("Timestream's stub", async () => {
		const store = await start();
		stub.retention = { fromMs: ROWS_FROM - 3_600_000, toMs: 9e15 };
		return {
			store,
			rows: async (thing) =>
				stub
					.records()
					.filter(({ dimensions }) => dimensions.device === thing)
					.flatMap(({ timeMs, values }) =>
						Object.entries(values).map(([column, value]) => ({
							channel: column.replace(/^channel-/, ""),
							unit: "",
							timeMs,
							value,
						})),
					),
			refusedMs: ROWS_FROM - 7_200_000,
			takeDown: () => stub.close(),
		};
	});

	function rowsOf(count: number, channels: readonly string[]): Row[] {
		return Array.from({ length: count }, (_, i) =>
			channels.map((channel) => ({
				channel,
				unit: "",
				timeMs: ROWS_FROM + i * 1000,
				value: i,
			})),
		).flat();
	}

	it("writes a record a time, all but time and values in the common attributes", async () => {
		const store = await start();
		await store.write([someRows({ rows: rowsOf(300, ["t", "p", "w"]) })]);
		assert.equal(stub.requests.length, 3);
		for (const { CommonAttributes, Records } of stub.requests) {
			assert.deepEqual(CommonAttributes, {
				Dimensions: [
					{ Name: "device", Value: "boiler" },
					{ Name: "journal", Value: "00000000000000a1" },
					{ Name: "boot", Value: "1" },
				],
				MeasureName: "readings",
				MeasureValueType: "MULTI",
				TimeUnit: "MILLISECONDS",
				Version: 2,
			});
			assert.equal(Records.length, 100);
			assert.deepEqual(Object.keys(Records[0] ?? {}).sort(), [
				"MeasureValues",
				"Time",
			]);
		}
	});

	it("fills a request with the records of several blocks", async () => {
		const store = await start();
		const blocks = Array.from({ length: 30 }, (_, i) =>
			someRows({ thing: `thing-${i}`, rows: rowsOf(5, ["t"]) }),
		);
		await store.write(blocks);
		assert.deepEqual(
			stub.requests.map(({ Records }) => Records.length).sort(),
			[100, 50],
		);
		assert.equal(stub.records().length, 150);
	});

	it("keeps health and readings of the same time apart", async () => {
		const store = await start();
		await store.write([
			someRows({ rows: rowsOf(1, ["t"]) }),
			someRows({
				sequence: 2,
				rows: rowsOf(1, ["health.heap", "health.rssi"]),
			}),
		]);
		assert.deepEqual(
			stub.records().map(({ measureName, values }) => [measureName, values]),
			[
				["readings", { t: 0 }],
				["health", { "health.heap": 0, "health.rssi": 0 }],
			],
		);
	});

	it("names each refused record by block and time, and says which version is there", async () => {
		const store = await start();
		const [row] = rowsOf(1, ["t"]);
		assert.ok(row);
		await store.write([someRows({ sequence: 5, rows: [row] })]);
		// The clock was set back within a boot: another block has a sample of the same millisecond.
		const older = someRows({ sequence: 4, rows: [{ ...row, value: 9 }] });
		await assert.rejects(store.write([older]), (error: unknown) => {
			assert.ok(error instanceof RowsRejected);
			const [one] = error.rejected;
			assert.equal(one?.timeMs, ROWS_FROM);
			assert.equal(one?.sequence, 4);
			assert.match(one?.reason ?? "", /already exists.*version 6 is there/);
			return true;
		});
		await store.write([
			someRows({ sequence: 6, rows: [{ ...row, value: 9 }] }),
		]);
		assert.deepEqual(
			stub.records().map(({ values }) => values),
			[{ t: 9 }],
		);
	});

	for (const [name, status, code] of [
		["ThrottlingException", 400, "throttled"],
		["InternalServerException", 500, "unavailable"],
		["AccessDeniedException", 400, "denied"],
	] as const) {
		it(`says ${code} on ${name}, and takes the same write afterwards`, async () => {
			const store = await start();
			const block = someRows({ rows: rowsOf(250, ["t"]) });
			stub.failures = { name, status, left: 1 };
			await assert.rejects(store.write([block]), (error: unknown) => {
				assert.ok(error instanceof StoreError, String(error));
				assert.equal(error.code, code);
				return true;
			});
			await store.write([block]);
			assert.equal(stub.records().length, 250);
		});
	}

	it("says that the table is missing", async () => {
		const store = await start("other");
		await assert.rejects(
			store.write([someRows()]),
			(error: unknown) =>
				error instanceof StoreError && error.code === "missing",
		);
	});

	it("asks no more once a request has failed", async () => {
		const store = await start();
		stub.failures = { name: "ThrottlingException", status: 400, left: 1000 };
		await assert.rejects(
			store.write([someRows({ rows: rowsOf(4000, ["t"]) })]),
			StoreError,
		);
		assert.ok(stub.requests.length <= 8, String(stub.requests.length));
	});

	it("finds the record for which a request is refused whole", async () => {
		const store = await start();
		const rows = rowsOf(100, ["t"]).map((row, i) =>
			i === 37 ? { ...row, value: Number.NaN } : row,
		);
		await assert.rejects(
			store.write([someRows({ rows })]),
			(error: unknown) =>
				error instanceof RowsRejected &&
				error.rejected.length === 1 &&
				error.rejected[0]?.timeMs === ROWS_FROM + 37_000,
		);
		assert.equal(stub.records().length, 99);
	});

	it("gives channels with reserved names columns of their own, and the others their name", async () => {
		await start();
		assert.equal(columnOf("temperature"), "temperature");
		assert.equal(columnOf("timer"), "timer");
		assert.equal(columnOf("health.rssi"), "health.rssi");
		assert.equal(columnOf("time"), "channel-time");
		assert.equal(columnOf("ts_x"), "channel-ts_x");
		assert.equal(columnOf("device"), "channel-device");
	});
});
