/**
 * Rows as Timestream's multi-measure records: one record a time of a block, with a column a channel.
 * Limits: "Quotas" of the Timestream developer guide (100 records a request, 2 KB a record, 1,024 columns a table).
 */
import type {
	Dimension,
	_Record as TimestreamRecord,
	WriteRecordsCommandInput,
} from "@aws-sdk/client-timestream-write";
import { identityKey } from "../../../../protocol/block.ts";
import type { BlockRows, Row } from "../../../core/row-ports.ts";

/** "Records per WriteRecords API request" */
export const RECORDS_OF_A_REQUEST = 100;

/** What a record is grouped under in the table: `measure_name`. */
export const MEASURE_NAME = "readings";
/** Health is sampled beside the readings, at times of its own which may be the same. */
export const HEALTH_MEASURE_NAME = "health";

/** One request, and of which block and time each of its records is. */
export interface Batch {
	readonly input: Pick<
		WriteRecordsCommandInput,
		"CommonAttributes" | "Records"
	>;
	readonly origins: readonly Origin[];
}

export interface Origin {
	readonly block: BlockRows;
	readonly timeMs: number;
}

interface Entry {
	readonly origin: Origin;
	/** What all records of one block and measure name have in common. */
	readonly shared: TimestreamRecord;
	readonly own: TimestreamRecord;
}

/**
 * What all records of a request have in common stands once, in its common attributes: where they are of one block,
 * which is the rule, that is all but time and values.
 * A block that is among them twice is written once.
 */
export function toBatches(blocks: readonly BlockRows[]): Batch[] {
	const distinct = new Map(
		blocks.map((block) => [`${block.thing}/${identityKey(block)}`, block]),
	);
	const entries = [...distinct.values()].flatMap(entriesOf);
	const batches: Batch[] = [];
	for (let at = 0; at < entries.length; at += RECORDS_OF_A_REQUEST) {
		batches.push(toBatch(entries.slice(at, at + RECORDS_OF_A_REQUEST)));
	}
	return batches;
}

/** The halves of a request: for one that is refused as a whole. */
export function splitBatch({ input, origins }: Batch): readonly Batch[] {
	const { CommonAttributes, Records = [] } = input;
	const middle = origins.length >> 1;
	return [
		[0, middle],
		[middle, origins.length],
	].map(([from, to]) => ({
		input: { CommonAttributes, Records: Records.slice(from, to) },
		origins: origins.slice(from, to),
	}));
}

/**
 * The column of a channel. Names that Timestream keeps to itself, and those of our dimensions, stand behind "channel-",
 * which no channel's name can contain. TimestreamDimension in the API reference has the reserved ones.
 */
export function columnOf(channel: string): string {
	return RESERVED.test(channel) ? `channel-${channel}` : channel;
}

const RESERVED =
	/^(time|measure_name|device|journal|boot|ts_.*|measure_value.*)$/;

function toBatch(entries: readonly Entry[]): Batch {
	const origins = entries.map(({ origin }) => origin);
	const shared = entries[0]?.shared;
	if (entries.every((entry) => entry.shared === shared)) {
		return {
			input: {
				CommonAttributes: { ...EVERY_RECORD, ...shared },
				Records: entries.map(({ own }) => own),
			},
			origins,
		};
	}
	return {
		input: {
			CommonAttributes: EVERY_RECORD,
			Records: entries.map((entry) => ({ ...entry.shared, ...entry.own })),
		},
		origins,
	};
}

const EVERY_RECORD: TimestreamRecord = {
	MeasureValueType: "MULTI",
	TimeUnit: "MILLISECONDS",
};

function entriesOf(block: BlockRows): Entry[] {
	const { thing, journalId, boot, sequence } = block;
	const dimensions: Dimension[] = [
		{ Name: "device", Value: thing },
		{ Name: "journal", Value: journalId },
		{ Name: "boot", Value: String(boot) },
	];
	const shared = (measureName: string): TimestreamRecord => ({
		Dimensions: dimensions,
		MeasureName: measureName,
		// The same block again has the same version and values, which changes nothing. 0 is no version.
		Version: sequence + 1,
	});
	const readings = shared(MEASURE_NAME);
	const health = shared(HEALTH_MEASURE_NAME);
	const entries: Entry[] = [];
	for (const rows of byTime(block.rows)) {
		for (const [attributes, own] of [
			[readings, rows.filter((row) => !isHealth(row))],
			[health, rows.filter(isHealth)],
		] as const) {
			const timeMs = own[0]?.timeMs;
			if (timeMs === undefined) continue;
			entries.push({
				origin: { block, timeMs },
				shared: attributes,
				own: {
					Time: String(timeMs),
					MeasureValues: own.map(({ channel, value }) => ({
						Name: columnOf(channel),
						Value: String(value),
						Type: "DOUBLE",
					})),
				},
			});
		}
	}
	return entries;
}

function isHealth({ channel }: Row): boolean {
	return channel.startsWith("health.");
}

/** Rows come by time. */
function byTime(rows: readonly Row[]): Row[][] {
	const groups: Row[][] = [];
	for (const row of rows) {
		const group = groups.at(-1);
		if (group?.[0]?.timeMs === row.timeMs) group.push(row);
		else groups.push([row]);
	}
	return groups;
}
