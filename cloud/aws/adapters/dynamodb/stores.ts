/** The stores of a cloud on AWS: two DynamoDB tables, as `cloud/aws/tables.ts` defines them. */
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { ClaimStore } from "../../../core/claims.ts";
import type { LatestExecutionStore } from "../../../core/jobs/latest.ts";
import type { GrantStore } from "../../../core/people.ts";
import type { Clock, Stores } from "../../../core/ports.ts";
import type { PresenceStore } from "../../../core/presence.ts";
import type { ReplacementStore } from "../../../core/replacements.ts";
import { dynamoAlerts } from "./alerts.ts";
import { dynamoBindings } from "./bindings.ts";
import { Retention } from "./block-keys.ts";
import { dynamoBlocks } from "./blocks.ts";
import { dynamoClaims } from "./claims.ts";
import { dynamoDeadLetters } from "./dead-letters.ts";
import { dynamoDevices, dynamoPresence } from "./devices.ts";
import { dynamoGrants } from "./grants.ts";
import { dynamoLatestExecutions } from "./latest-executions.ts";
import { dynamoLogs } from "./logs.ts";
import { dynamoReplacements } from "./replacements.ts";
import { RollupMarks } from "./rollup-marks.ts";
import { dynamoRollups } from "./rollups.ts";
import { Table, type Wait } from "./table.ts";

/** Those of the records table alone. */
export interface DynamoRecords
	extends Pick<Stores, "devices" | "deadLetters" | "alerts" | "logs"> {
	readonly grants: GrantStore;
	readonly presence: PresenceStore;
	readonly latestExecutions: LatestExecutionStore;
	readonly claims: ClaimStore;
	readonly replacements: ReplacementStore;
}

/** Those of the blocks table alone. */
export type DynamoMeasurements = Pick<
	Stores,
	"blocks" | "bindings" | "rollups"
>;

export type DynamoStores = Stores & DynamoRecords;

export interface DynamoRecordsOptions {
	/** The SDK's client; its own retries come before anything that is told of here. */
	readonly client: Pick<DynamoDBClient, "send">;
	/** Names of the tables. */
	readonly tables: { readonly records: string };
	/** How long dead letters and the history of alerts are kept, ms; null, as without it, for ever. */
	readonly recordsRetentionMs?: number | null;
	/** How to wait before what DynamoDB left undone is asked for again; by a timer without it. */
	readonly wait?: Wait;
}

export interface DynamoMeasurementsOptions
	extends Pick<DynamoRecordsOptions, "client" | "wait"> {
	readonly tables: { readonly blocks: string };
	readonly clock: Clock;
	/** How long blocks, and the rollups of them, are kept after their time, ms; null for ever. */
	readonly retentionMs: number | null;
}

export type DynamoStoresOptions = DynamoMeasurementsOptions &
	DynamoRecordsOptions;

/** Every operation throws StoreError and nothing else for what goes wrong on the way: see `errors.ts` for its codes. */
export function dynamoStores(options: DynamoStoresOptions): DynamoStores {
	return { ...dynamoMeasurements(options), ...dynamoRecords(options) };
}

/** For functions that have to do with nothing but measurements. */
export function dynamoMeasurements(
	options: DynamoMeasurementsOptions,
): DynamoMeasurements {
	const { client, tables, clock, wait } = options;
	const blocks = new Table(client, tables.blocks, wait);
	const retention = new Retention(options.retentionMs);
	const marks = new RollupMarks(blocks, clock, retention);
	return {
		blocks: dynamoBlocks({ table: blocks, clock, retention, marks }),
		rollups: dynamoRollups(blocks, clock),
		bindings: dynamoBindings(blocks),
	};
}

/** For functions that have to do with nothing but records. */
export function dynamoRecords(options: DynamoRecordsOptions): DynamoRecords {
	const { client, tables, wait } = options;
	const records = new Table(client, tables.records, wait);
	const retention = new Retention(options.recordsRetentionMs ?? null);
	return {
		devices: dynamoDevices(records),
		presence: dynamoPresence(records),
		latestExecutions: dynamoLatestExecutions(records),
		claims: dynamoClaims(records),
		replacements: dynamoReplacements(records),
		deadLetters: dynamoDeadLetters(records, retention),
		alerts: dynamoAlerts(records, retention),
		grants: dynamoGrants(records),
		logs: dynamoLogs(records),
	};
}
