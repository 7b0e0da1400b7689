/** Which certificate takes another's place, on DynamoDB, in the table of records. */
import {
	REPLACEMENT_MS,
	type ReplacementStore,
} from "../../../core/replacements.ts";
import { TABLES } from "../../tables.ts";
import { type Key, type Table, text } from "./table.ts";

const REPLACEMENTS = "replacement";

export function dynamoReplacements(table: Table): ReplacementStore {
	return {
		note: ({ certificateId, thing, replaces }, nowMs) =>
			table.put({
				p: { S: REPLACEMENTS },
				s: { S: certificateId },
				thing: { S: thing },
				replaces: { S: replaces },
				[TABLES.records.ttlAttribute]: {
					N: String(Math.ceil((nowMs + REPLACEMENT_MS) / 1000)),
				},
			}),
		async get(certificateId) {
			const item = await table.get(keyOf(certificateId));
			return item === null
				? null
				: {
						certificateId,
						thing: text(item, "thing"),
						replaces: text(item, "replaces"),
					};
		},
		forget: (certificateId) => table.delete(keyOf(certificateId)),
	};
}

function keyOf(certificateId: string): Key {
	return { partition: REPLACEMENTS, sort: certificateId };
}
