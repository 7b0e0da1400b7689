/**
 * What functions have of the world they run in: DynamoDB and the clock. Made once an instance, and used by all of its
 * invocations.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Clock } from "../core/ports.ts";
import { DAY_MS } from "../core/spans.ts";
import {
	type DynamoMeasurements,
	type DynamoRecords,
	type DynamoStores,
	dynamoMeasurements,
	dynamoRecords,
	dynamoStores,
} from "./adapters/dynamodb/stores.ts";

export const systemClock: Clock = { nowMs: () => Date.now() };

const CONNECTION_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 3000;
/** The first one included. With the SDK's waits between them, 10 s in all. */
const ATTEMPTS = 3;
/** The requests that are under way at a time, and some. */
const CONNECTIONS = 64;

/** How long dead letters and the history of alerts are kept, days. */
const RECORDS_RETENTION_DAYS = 90;

/** @param timeoutMs of each of three attempts at a request */
export function dynamoClient(timeoutMs = REQUEST_TIMEOUT_MS): DynamoDBClient {
	return new DynamoDBClient({
		maxAttempts: ATTEMPTS,
		requestHandler: {
			connectionTimeout: CONNECTION_TIMEOUT_MS,
			// A request that hangs has to end before its function does: what fails is given back to its queue by name.
			requestTimeout: timeoutMs,
			// Without it, the SDK only warns.
			throwOnRequestTimeout: true,
			httpsAgent: { keepAlive: true, maxSockets: CONNECTIONS },
		},
	});
}

/** The stores on the tables that a function's environment names. */
export function openStores(environment: {
	readonly blocksTable: string;
	readonly recordsTable: string;
	readonly retentionDays: number;
}): DynamoStores {
	const { blocksTable, recordsTable, retentionDays } = environment;
	return dynamoStores({
		client: dynamoClient(),
		tables: { blocks: blocksTable, records: recordsTable },
		clock: systemClock,
		retentionMs: retentionDays * DAY_MS,
		recordsRetentionMs: RECORDS_RETENTION_DAYS * DAY_MS,
	});
}

/** Those on the table of blocks alone. */
export function openMeasurements(environment: {
	readonly blocksTable: string;
	readonly retentionDays: number;
}): DynamoMeasurements {
	const { blocksTable, retentionDays } = environment;
	return dynamoMeasurements({
		client: dynamoClient(),
		tables: { blocks: blocksTable },
		clock: systemClock,
		retentionMs: retentionDays * DAY_MS,
	});
}

/** Those on the table of records alone. */
export function openRecords(
	{ recordsTable }: { readonly recordsTable: string },
	client = dynamoClient(),
): DynamoRecords {
	return dynamoRecords({
		client,
		tables: { records: recordsTable },
		recordsRetentionMs: RECORDS_RETENTION_DAYS * DAY_MS,
	});
}
