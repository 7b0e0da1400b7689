/** Which certificates take another's place, on DynamoDB, in the table of records. */
import {
	REPLACEMENT_MS,
	type ReplacementStore,
} from "../../../core/replacements.ts";
import { TABLES } from "../../tables.ts";
import { allOf } from "./records.ts";
import { type Key, keyOf, type Table, text } from "./table.ts";

const REPLACEMENTS = "replacement";
const SUCCESSORS = "successor#";

export function dynamoReplacements(table: Table): ReplacementStore {
	async function successorsOf(replaced: string): Promise<readonly Key[]> {
		const keys: Key[] = [];
		for await (const items of table.query(allOf(SUCCESSORS + replaced)))
			keys.push(...items.map(keyOf));
		return keys;
	}
	return {
		async note({ certificateId, thing, replaces }, nowMs) {
			const end = {
				[TABLES.records.ttlAttribute]: {
					N: String(Math.ceil((nowMs + REPLACEMENT_MS) / 1000)),
				},
			};
			// First: one that another must be able to find is not in use before the other is there as well.
			await table.put({
				p: { S: SUCCESSORS + replaces },
				s: { S: certificateId },
				...end,
			});
			await table.put({
				p: { S: REPLACEMENTS },
				s: { S: certificateId },
				thing: { S: thing },
				replaces: { S: replaces },
				...end,
			});
		},
		async get(certificateId) {
			const item = await table.get(replacementOf(certificateId));
			return item === null
				? null
				: {
						certificateId,
						thing: text(item, "thing"),
						replaces: text(item, "replaces"),
					};
		},
		successorsOf: async (replaced) =>
			(await successorsOf(replaced)).map(({ sort }) => sort),
		forget: (certificateId) => table.delete(replacementOf(certificateId)),
		async forgetSuccessorsOf(replaced) {
			for (const key of await successorsOf(replaced)) await table.delete(key);
		},
	};
}

function replacementOf(certificateId: string): Key {
	return { partition: REPLACEMENTS, sort: certificateId };
}
