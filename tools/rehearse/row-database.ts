/**
 * The database of rows that a template has, put up: a real InfluxDB behind the API of InfluxDB 2, or what stands in for
 * Timestream, of which there is no emulator.
 */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
	type KeptRecord,
	type StubTimestream,
	startStubTimestream,
} from "../../cloud/aws/adapters/timestream/fakes/stub-timestream.ts";
import {
	type Influx2Front,
	startInflux2Front,
} from "../../cloud/influxdb/fakes/influx2-front.ts";
import {
	rowsIn,
	startInflux,
	type TestInflux,
} from "../../cloud/influxdb/fakes/influxd.ts";
import { RehearsalError } from "./errors.ts";
import { type Json, numberIn, objectIn, textIn } from "./json.ts";
import { type NetworkPlace, placeOf } from "./network.ts";
import type { Secrets } from "./secrets.ts";
import type { Resource, Template } from "./template.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** "Timestream … data with a timestamp more than 15 minutes in the future": WriteRecords, "RejectedRecord". */
const FUTURE_MS = 15 * 60_000;

/** One value of a device, as the database has it. */
export interface KeptRow {
	readonly channel: string;
	readonly timeMs: number;
	readonly value: number;
}

/** A server in the template's network, which functions reach by its own address. */
export interface RowServer {
	/** "https://HOST:PORT" */
	readonly origin: string;
	/** What stands there in its place. */
	readonly standIn: string;
	readonly place: NetworkPlace;
	readonly port: number;
}

export interface RowDatabase {
	/** For people: "InfluxDB". */
	readonly name: string;
	/** Null for one that is reached as AWS's services are. */
	readonly server: RowServer | null;
	/** Where WriteRecords is answered; null for another database. */
	readonly timestreamUrl: string | null;
	/** All that it has of a device, by time. */
	rowsOf(thing: string): Promise<readonly KeptRow[]>;
	/** From now on it does not answer, or fails; what it has it keeps. */
	stop(): Promise<void>;
	start(): Promise<void>;
	/** Brings it about that it never takes rows of that time. */
	refuse(timeMs: number): Promise<void>;
	close(): Promise<void>;
}

/**
 * @returns null when the template has none
 * @throws RehearsalError unreadable_template, bad_wiring; not_installed without influxd
 */
export async function openRowDatabase(
	template: Template,
	secrets: Secrets,
): Promise<RowDatabase | null> {
	const [instance] = template.ofType("AWS::Timestream::InfluxDBInstance");
	if (instance !== undefined) return openInflux(template, instance, secrets);
	const [table] = template.ofType("AWS::Timestream::Table");
	return table === undefined ? null : openTimestream(template, table);
}

async function openInflux(
	template: Template,
	instance: Resource,
	secrets: Secrets,
): Promise<RowDatabase> {
	if (spawnSync("influxd", ["version"]).status !== 0) {
		throw new RehearsalError(
			"not_installed",
			"Rows in InfluxDB cannot be rehearsed without influxd. Install it with: sudo apt-get install -y --no-install-recommends influxdb",
		);
	}
	const properties = template.properties(instance);
	const text = (name: string) =>
		textIn(properties[name], `${instance.id}.${name}`);
	const place = placeOf(
		properties.VpcSubnetIds,
		properties.VpcSecurityGroupIds,
		instance.id,
	);
	if (place === null) {
		throw new RehearsalError("bad_wiring", `${instance.id} is in no VPC.`);
	}
	const influx: TestInflux = await startInflux();
	const bucket = text("Bucket");
	await influx.query(`CREATE DATABASE "${bucket}"`);
	const front: Influx2Front = await startInflux2Front({
		influxUrl: influx.url,
		database: bucket,
		org: text("Organization"),
		bucket,
		user: text("Username"),
		password: secrets.resolve(text("Password")),
		// Nobody has made one.
		token: randomUUID(),
	});
	const port = numberIn(properties.Port, instance.id, 8086);
	const host = template.attribute(instance, "Endpoint");
	return {
		name: "InfluxDB",
		server: {
			origin: `https://${host}:${port}`,
			standIn: front.url,
			place,
			port,
		},
		timestreamUrl: null,
		async rowsOf(thing) {
			const rows = await rowsIn(influx, bucket, thing);
			return rows
				.map(({ channel, timeMs, value }) => ({ channel, timeMs, value }))
				.sort((a, b) => a.timeMs - b.timeMs);
		},
		stop: () => influx.kill(),
		start: () => influx.start(),
		// "Field type conflicts": within a shard, a week of a measurement here, the first type of a field stays.
		refuse: (timeMs) =>
			influx.write(`readings,device=nobody value="text" ${timeMs}`, bucket),
		async close() {
			await front.close();
			await influx.stop();
		},
	};
}

async function openTimestream(
	template: Template,
	table: Resource,
): Promise<RowDatabase> {
	const properties = template.properties(table);
	const stub: StubTimestream = await startStubTimestream({
		database: textIn(properties.DatabaseName, table.id),
		table: textIn(properties.TableName, table.id),
	});
	const nowMs = Date.now();
	stub.retention = {
		fromMs: nowMs - keptMs(properties, table.id),
		toMs: nowMs + FUTURE_MS,
	};
	return {
		name: "Timestream",
		server: null,
		timestreamUrl: stub.endpoint,
		async rowsOf(thing) {
			return stub
				.records()
				.filter(({ dimensions }) => dimensions.device === thing)
				.flatMap(rowsOfRecord)
				.sort((a, b) => a.timeMs - b.timeMs);
		},
		async stop() {
			stub.failures = {
				name: "InternalServerException",
				status: 500,
				left: Number.POSITIVE_INFINITY,
			};
		},
		async start() {
			stub.failures = { name: "", status: 0, left: 0 };
		},
		async refuse(timeMs) {
			if (timeMs < stub.retention.fromMs) return;
			throw new RangeError("Timestream refuses what it would not keep.");
		},
		close: () => stub.close(),
	};
}

function rowsOfRecord({ timeMs, values }: KeptRecord): readonly KeptRow[] {
	return Object.entries(values).map(([channel, value]) => ({
		channel,
		timeMs,
		value,
	}));
}

/** How old a row may be that the table still takes: "Magnetic storage writes" of the Timestream developer guide. */
function keptMs(properties: Json, id: string): number {
	const {
		MemoryStoreRetentionPeriodInHours: hours,
		MagneticStoreRetentionPeriodInDays: days,
	} = objectIn(properties.RetentionProperties, `${id}.RetentionProperties`);
	const { EnableMagneticStoreWrites } = objectIn(
		properties.MagneticStoreWriteProperties ?? {},
		`${id}.MagneticStoreWriteProperties`,
	);
	return EnableMagneticStoreWrites === true
		? numberIn(days, id) * DAY_MS
		: numberIn(hours, id) * HOUR_MS;
}
