/** The very items that the stores put into the tables, for tests of what reads the tables' streams. */
import { type AttributeValue, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { Clock } from "../../core/ports.ts";
import {
	type DynamoStores,
	dynamoStores,
} from "../adapters/dynamodb/stores.ts";

export type PutItem = Record<string, AttributeValue>;

/** Stores on tables that are empty and take everything; what is put into them is in `items`, in order. */
export function recordingStores(clock: Clock): {
	readonly stores: DynamoStores;
	readonly items: PutItem[];
} {
	const items: PutItem[] = [];
	const client = {
		async send(command: unknown) {
			if (command instanceof PutItemCommand) {
				items.push(command.input.Item ?? {});
			}
			return {};
		},
	};
	const stores = dynamoStores({
		client: client as never,
		tables: { blocks: "blocks", records: "records" },
		clock,
		retentionMs: 86_400_000,
	});
	return { stores, items };
}
