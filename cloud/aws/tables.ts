/**
 * The two DynamoDB tables as plain data: the stack deploys them from it, tests and the rehearsal make them from it.
 * Key attributes and those of indexes have names of one letter, since DynamoDB counts names into an item's size, and a
 * block has to stay below the 1 KB that one write unit pays for
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
 * `docs/data-on-aws.md` describes the items and what each access costs.
 */

/** "S" text, "N" number, "B" bytes: the types that a key attribute can have. */
export type KeyType = "S" | "N" | "B";

export interface KeyAttribute {
	readonly name: string;
	readonly type: KeyType;
}

/** A global secondary index: only items that have both of its key attributes are in it. */
export interface TableIndex {
	readonly name: string;
	readonly partitionKey: KeyAttribute;
	readonly sortKey: KeyAttribute;
	/** Attributes that it has beside the keys of table and index. */
	readonly include: readonly string[];
}

export interface TableDefinition {
	readonly partitionKey: KeyAttribute;
	readonly sortKey: KeyAttribute;
	readonly indexes: readonly TableIndex[];
	/** Seconds since the epoch: DynamoDB deletes an item within a few days afterwards. Absent on what is kept for ever. */
	readonly ttlAttribute: string;
	/** What a record of the table's stream has of an item, beside its keys. */
	readonly streamView: "NEW_IMAGE";
}

const KEYS = {
	partitionKey: { name: "p", type: "S" },
	sortKey: { name: "s", type: "S" },
	ttlAttribute: "x",
	streamView: "NEW_IMAGE",
} as const;

/**
 * All that belongs to a thing's measurements lies in the thing's partition (`p` is its name); the sort key's beginning
 * tells the kind of item. No index on blocks: a block is one write.
 *
 * | items | `s` begins with | found by |
 * |---|---|---|
 * | blocks with a start, up to 15 min, 4 h, 7 days long | `b0`, `b1`, `b2` | start: range, newest before a time |
 * | blocks without a start; at their stamped start a placeholder, which has no `b` | `u` | identity |
 * | when each block without a start arrived | `a` | time of arrival |
 * | bindings of boots to time | `c` | journal, boot, uptime |
 * | hours, days: rollup rows, and whether they are out of date | `h`, `d` | start of the bucket |
 *
 * The stream feeds row stores; they filter on `s`.
 */
export const BLOCKS_TABLE: TableDefinition = {
	...KEYS,
	indexes: [
		// Only hours and days that are out of date are in it, by their ends: the schedule brings them up to date.
		{
			name: "dirty",
			partitionKey: { name: "g", type: "S" },
			sortKey: { name: "e", type: "N" },
			// When each was last marked, ms.
			include: ["m"],
		},
	],
};

/**
 * Everything else; `p` is the kind of record.
 *
 * | items | `p` | `s` | in the index: `g` | `k` |
 * |---|---|---|---|---|
 * | devices, and which are connected | `device` | name | | |
 * | the channels of each | `device` | name `#channels` | | |
 * | how the latest jobs of each ended | `executions` | name | | |
 * | dead letters | `letter` | id | `letter#` thing | id |
 * | the last dead letter's id | `counter` | `letter` | | |
 * | alert rules | `rule` | id | | |
 * | alert states | `state` | device `#` rule | `due`, while there is something to deliver | when, device, rule |
 * | alert events | `event` | id, which begins with the time | `event#` device | id |
 * | push subscriptions | `push#` subject | id | | |
 * | grants | `grant#` subject | device | `grant#` device | subject |
 * | claims | `claim` | name | | |
 * | certificates that take another's place | `replacement` | id | | |
 * | which take the place of one, or of a claim | `successor#` id, or `successor#claim:` name and time | id | | |
 * | which of them was used | `settled` | id, or `claim:` name and time | | |
 *
 * The stream wakes whoever delivers alerts: a state with something to deliver has the attribute `o`
 * (`OUTBOX_ATTRIBUTE`), others have not.
 */
export const RECORDS_TABLE: TableDefinition = {
	...KEYS,
	indexes: [
		{
			name: "other",
			partitionKey: { name: "g", type: "S" },
			sortKey: { name: "k", type: "S" },
			include: [],
		},
	],
};

/** On an alert's state, as text "1", while its outbox is not empty: what the stream of the records table is filtered by. */
export const OUTBOX_ATTRIBUTE = "o";

/** With what the sort keys of blocks begin: what the stream of the blocks table is filtered by. */
export const BLOCK_PREFIXES = { timed: "b", untimed: "u" } as const;

/** With what the sort keys of bindings begin: one that is learned gives blocks without a start their time. */
export const BINDING_PREFIX = "c";

export const TABLES = {
	blocks: BLOCKS_TABLE,
	records: RECORDS_TABLE,
} as const;

/** What CreateTable is asked, for those who make tables without the stack. The TTL is a request of its own. */
export function createTableInput(
	name: string,
	table: TableDefinition,
): {
	readonly TableName: string;
	readonly BillingMode: "PAY_PER_REQUEST";
	readonly AttributeDefinitions: {
		AttributeName: string;
		AttributeType: KeyType;
	}[];
	readonly KeySchema: KeySchema;
	readonly GlobalSecondaryIndexes: {
		IndexName: string;
		KeySchema: KeySchema;
		Projection:
			| { ProjectionType: "KEYS_ONLY" }
			| { ProjectionType: "INCLUDE"; NonKeyAttributes: string[] };
	}[];
	readonly StreamSpecification: {
		StreamEnabled: true;
		StreamViewType: TableDefinition["streamView"];
	};
} {
	const keyed = [table, ...table.indexes];
	const attributes = new Map(
		keyed
			.flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey])
			.map(({ name: AttributeName, type }) => [
				AttributeName,
				{ AttributeName, AttributeType: type },
			]),
	);
	return {
		TableName: name,
		BillingMode: "PAY_PER_REQUEST",
		AttributeDefinitions: [...attributes.values()],
		KeySchema: keySchema(table),
		GlobalSecondaryIndexes: table.indexes.map((index) => ({
			IndexName: index.name,
			KeySchema: keySchema(index),
			Projection:
				index.include.length === 0
					? { ProjectionType: "KEYS_ONLY" }
					: { ProjectionType: "INCLUDE", NonKeyAttributes: [...index.include] },
		})),
		StreamSpecification: {
			StreamEnabled: true,
			StreamViewType: table.streamView,
		},
	};
}

type KeySchema = { AttributeName: string; KeyType: "HASH" | "RANGE" }[];

function keySchema(keys: {
	readonly partitionKey: KeyAttribute;
	readonly sortKey: KeyAttribute;
}): KeySchema {
	return [
		{ AttributeName: keys.partitionKey.name, KeyType: "HASH" },
		{ AttributeName: keys.sortKey.name, KeyType: "RANGE" },
	];
}
