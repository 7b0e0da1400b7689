/**
 * The design that most begin with, to compare: each sample is an MQTT message of JSON, and a rule puts it into DynamoDB as an
 * item of its own. Nothing is gathered, kept on the node, or summed up.
 */
import { ITEM_INDEX_BYTES, MONTH_S } from "./assumptions.ts";
import { Bill } from "./bill.ts";

export interface NaiveUse {
	readonly devices: number;
	readonly channels: number;
	readonly intervalS: number;
	readonly months: number;
}

/** `"temperature":21.53,`, and what a message has beside its values: its time, and its key in the table. */
const VALUE_BYTES = 20;
const MESSAGE_BYTES = 30;
const GB = 1e9;

export function reckonNaive(use: NaiveUse): Bill {
	const bill = new Bill();
	const messages = (use.devices * MONTH_S) / use.intervalS;
	const itemBytes =
		MESSAGE_BYTES + use.channels * VALUE_BYTES + ITEM_INDEX_BYTES;
	bill.add(
		"IoT Core",
		"being connected",
		"iotConnectivityMinute",
		(use.devices * MONTH_S) / 60,
	);
	bill.add("IoT Core", "a message for each sample", "iotMessage", messages);
	bill.add("IoT Core", "a rule for each", "iotRule", messages);
	bill.add("IoT Core", "its action", "iotAction", messages);
	bill.add("DynamoDB", "an item for each", "dynamoWrite", messages);
	bill.add(
		"DynamoDB",
		"items kept",
		"dynamoGbMonth",
		(messages * use.months * itemBytes) / GB,
	);
	return bill;
}
