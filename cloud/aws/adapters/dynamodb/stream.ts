/**
 * What the records of the tables' streams say. Lambda hands over items as JSON, where bytes are base64:
 * https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
 */
import type { AttributeValue, DynamoDBRecord } from "aws-lambda";
import type { AlertState } from "../../../core/alerts/ports.ts";
import type { BootBinding, StoredBlock } from "../../../core/ports.ts";
import {
	BINDING_PREFIX,
	BLOCK_PREFIXES,
	OUTBOX_ATTRIBUTE,
} from "../../tables.ts";
import { toState } from "./alerts.ts";
import { toBinding } from "./bindings.ts";
import {
	classPrefix,
	parseIdentitySuffix,
	parseTimedSuffix,
} from "./block-keys.ts";
import { isPlaceholder } from "./blocks.ts";
import { type Item, keyOf } from "./table.ts";
import { toStored } from "./untimed.ts";

/** The block that a record of the blocks table says has been stored; null when it says something else. */
export function blockIn(record: DynamoDBRecord): StoredBlock | null {
	const item = newItem(record);
	if (item === null) return null;
	const { partition: thing, sort } = keyOf(item);
	if (sort.startsWith(BLOCK_PREFIXES.untimed)) {
		const suffix = sort.slice(BLOCK_PREFIXES.untimed.length);
		const identity = parseIdentitySuffix(suffix);
		return identity && toStored(thing, item, identity);
	}
	if (!sort.startsWith(BLOCK_PREFIXES.timed)) return null;
	if (isPlaceholder(item)) return null;
	const key = parseTimedSuffix(sort.slice(classPrefix(0).length));
	if (key === null) return null;
	const { timeMs, ...identity } = key;
	return { ...toStored(thing, item, identity), startMs: timeMs };
}

/** The binding that a record of the blocks table says has been learned, and of which thing; null as above. */
export function bindingIn(
	record: DynamoDBRecord,
): { readonly thing: string; readonly binding: BootBinding } | null {
	const item = newItem(record);
	if (item === null) return null;
	const { partition: thing, sort } = keyOf(item);
	return sort.startsWith(BINDING_PREFIX)
		? { thing, binding: toBinding(item) }
		: null;
}

/** The state that a record of the records table says has something to deliver; null as above. */
export function outboxIn(record: DynamoDBRecord): AlertState | null {
	const item = newItem(record);
	return item?.[OUTBOX_ATTRIBUTE] === undefined ? null : toState(item);
}

/** The item as it is after the change; null when it has been deleted. */
function newItem({ dynamodb }: DynamoDBRecord): Item | null {
	const image = dynamodb?.NewImage;
	if (image === undefined) return null;
	return Object.fromEntries(
		Object.entries(image).map(([name, value]) => [name, toValue(value)]),
	);
}

/** Our items have texts, numbers, truth values and bytes alone. */
function toValue(value: AttributeValue): Item[string] {
	if (value.B !== undefined) return { B: Buffer.from(value.B, "base64") };
	return value as Item[string];
}
