/**
 * Stands in for Timestream's WriteRecords, of which no emulator exists: an HTTP server that takes and gives what the
 * SDK's client sends and expects (AWS JSON 1.0), with the semantics that the API reference describes: limits, versions,
 * refused records, throttling. It shows that our requests have that shape, not that the service behaves so.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface Measure {
	readonly Name: string;
	readonly Value: string;
	readonly Type: string;
}

interface StubRecord {
	readonly Dimensions?: readonly {
		readonly Name: string;
		readonly Value: string;
	}[];
	readonly MeasureName?: string;
	readonly MeasureValueType?: string;
	readonly MeasureValues?: readonly Measure[];
	readonly Time?: string;
	readonly TimeUnit?: string;
	readonly Version?: number;
}

interface WriteRequest {
	readonly DatabaseName: string;
	readonly TableName: string;
	readonly CommonAttributes?: StubRecord;
	readonly Records: readonly StubRecord[];
}

export interface KeptRecord {
	readonly dimensions: Readonly<Record<string, string>>;
	readonly measureName: string;
	readonly timeMs: number;
	readonly version: number;
	readonly values: Readonly<Record<string, number>>;
}

export interface StubTimestream {
	readonly endpoint: string;
	/** The bodies of WriteRecords, as they came. */
	readonly requests: WriteRequest[];
	/** Records outside [from, to) lie outside the stores' retention. */
	retention: { readonly fromMs: number; readonly toMs: number };
	/** So many of the next requests are answered with an error of this name. */
	failures: { name: string; status: number; left: number };
	records(): readonly KeptRecord[];
	close(): Promise<void>;
}

export const DATABASE = "thinghz";
export const TABLE = "readings";

const RESERVED = /^(time|measure_name|ts_.*|measure_value.*)$/;

class ServiceError extends Error {
	readonly status: number;
	readonly body: object;

	constructor(name: string, status: number, body: object) {
		super(name);
		this.status = status;
		this.body = {
			__type: `com.amazonaws.timestream.v20181101#${name}`,
			...body,
		};
	}
}

export async function startStubTimestream({
	database = DATABASE,
	table = TABLE,
} = {}): Promise<StubTimestream> {
	const kept = new Map<string, KeptRecord>();
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on("data", (chunk: Buffer) => chunks.push(chunk));
		request.on("end", () => {
			const answer = (status: number, body: object): void => {
				response.writeHead(status, {
					"Content-Type": "application/x-amz-json-1.0",
				});
				response.end(JSON.stringify(body));
			};
			try {
				const target = request.headers["x-amz-target"];
				if (target !== "Timestream_20181101.WriteRecords") {
					throw new ServiceError("UnknownOperationException", 400, {});
				}
				const body = JSON.parse(
					Buffer.concat(chunks).toString(),
				) as WriteRequest;
				stub.requests.push(body);
				answer(200, write(body));
			} catch (error) {
				if (!(error instanceof ServiceError)) throw error;
				answer(error.status, error.body);
			}
		});
	});

	function write(request: WriteRequest): object {
		const { failures } = stub;
		if (failures.left > 0) {
			failures.left--;
			throw new ServiceError(failures.name, failures.status, {
				message: "It has been told to fail.",
			});
		}
		if (request.DatabaseName !== database || request.TableName !== table) {
			throw new ServiceError("ResourceNotFoundException", 400, {
				message: `The database ${request.DatabaseName} or its table ${request.TableName} does not exist.`,
			});
		}
		if (request.Records.length < 1 || request.Records.length > 100) {
			throw invalid("A request has 1 to 100 records.");
		}
		const records = request.Records.map((record) =>
			complete(request.CommonAttributes ?? {}, record),
		);
		const rejected: object[] = [];
		for (const [RecordIndex, record] of records.entries()) {
			const { fromMs, toMs } = stub.retention;
			if (record.timeMs < fromMs || record.timeMs >= toMs) {
				rejected.push({
					RecordIndex,
					Reason:
						"The record timestamp is outside the time range of the data ingestion window.",
				});
				continue;
			}
			const key = JSON.stringify([
				record.dimensions,
				record.measureName,
				record.timeMs,
			]);
			const known = kept.get(key);
			const isSame =
				known !== undefined &&
				JSON.stringify(known.values) === JSON.stringify(record.values);
			if (known !== undefined && !isSame && record.version <= known.version) {
				rejected.push({
					RecordIndex,
					Reason:
						"A record already exists with the same time, dimensions, measure name, and record version.",
					ExistingVersion: known.version,
				});
				continue;
			}
			if (isSame && record.version <= known.version) continue;
			kept.set(key, record);
		}
		if (rejected.length > 0) {
			throw new ServiceError("RejectedRecordsException", 419, {
				Message:
					"One or more records have been rejected. See RejectedRecords for details.",
				RejectedRecords: rejected,
			});
		}
		return {
			RecordsIngested: {
				Total: records.length,
				MemoryStore: records.length,
				MagneticStore: 0,
			},
		};
	}

	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	const stub: StubTimestream = {
		endpoint: `http://127.0.0.1:${port}`,
		requests: [],
		retention: {
			fromMs: Number.NEGATIVE_INFINITY,
			toMs: Number.POSITIVE_INFINITY,
		},
		failures: { name: "", status: 0, left: 0 },
		records: () => [...kept.values()],
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
	return stub;
}

function invalid(message: string): ServiceError {
	return new ServiceError("ValidationException", 400, { message });
}

/** A record with what stands in the common attributes; the same member in both is refused, save dimensions, which add up. */
function complete(common: StubRecord, own: StubRecord): KeptRecord {
	for (const member of Object.keys(own) as (keyof StubRecord)[]) {
		if (member !== "Dimensions" && common[member] !== undefined) {
			throw invalid(
				`${member} stands in the record and in the common attributes.`,
			);
		}
	}
	const record = { ...common, ...own };
	const dimensions: Record<string, string> = {};
	for (const { Name, Value } of [
		...(common.Dimensions ?? []),
		...(own.Dimensions ?? []),
	]) {
		if (Name in dimensions)
			throw invalid(`The dimension ${Name} stands twice.`);
		if (RESERVED.test(Name) || Name.length > 60) {
			throw invalid(`${Name} cannot be the name of a dimension.`);
		}
		dimensions[Name] = Value;
	}
	const {
		Version: version = 1,
		Time,
		MeasureName,
		MeasureValues = [],
	} = record;
	if (!Number.isInteger(version) || version < 1)
		throw invalid("Version is 1 or more.");
	if (
		record.MeasureValueType !== "MULTI" ||
		record.TimeUnit !== "MILLISECONDS"
	) {
		throw invalid("These tests write multi-measure records in ms only.");
	}
	if (Time === undefined || !/^\d+$/.test(Time))
		throw invalid("Time is missing.");
	if (MeasureName === undefined) throw invalid("MeasureName is missing.");
	if (MeasureValues.length < 1 || MeasureValues.length > 256) {
		throw invalid("A multi-measure record has 1 to 256 measures.");
	}
	const values: Record<string, number> = {};
	for (const { Name, Value, Type } of MeasureValues) {
		if (RESERVED.test(Name) || Name in dimensions || Name in values) {
			throw invalid(`${Name} cannot be the name of a measure here.`);
		}
		if (Type !== "DOUBLE" || !Number.isFinite(Number(Value))) {
			throw invalid(`${Value} is no DOUBLE.`);
		}
		values[Name] = Number(Value);
	}
	return {
		dimensions,
		measureName: MeasureName,
		timeMs: Number(Time),
		version,
		values,
	};
}
