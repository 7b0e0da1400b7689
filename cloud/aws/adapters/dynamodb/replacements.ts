/** Which certificates take another's place, on DynamoDB, in the table of records. */
import {
	REPLACEMENT_MS,
	type ReplacementStore,
	type Successor,
} from "../../../core/replacements.ts";
import { TABLES } from "../../tables.ts";
import { allOf } from "./records.ts";
import {
	type Item,
	type Key,
	keyOf,
	number,
	type Table,
	text,
} from "./table.ts";

const REPLACEMENTS = "replacement";
const SUCCESSORS = "successor#";
const SETTLED = "settled";

export function dynamoReplacements(table: Table): ReplacementStore {
	return {
		async note({ certificateId, thing, replaces }, nowMs) {
			// First: one that another must be able to find is not in use before the other is there as well.
			await table.put({
				p: { S: SUCCESSORS + replaces },
				s: { S: certificateId },
				sinceMs: { N: String(nowMs) },
				...endFrom(nowMs),
			});
			await table.put({
				p: { S: REPLACEMENTS },
				s: { S: certificateId },
				thing: { S: thing },
				replaces: { S: replaces },
				...endFrom(nowMs),
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
		async successorsOf(replaced) {
			const found: Successor[] = [];
			for await (const items of table.query(allOf(SUCCESSORS + replaced)))
				for (const item of items)
					found.push({
						certificateId: keyOf(item).sort,
						sinceMs: number(item, "sinceMs"),
					});
			return found;
		},
		forget: (certificateId) => table.delete(replacementOf(certificateId)),
		async settle(replaced, certificateId, nowMs) {
			const put = await table.putNew({
				p: { S: SETTLED },
				s: { S: replaced },
				by: { S: certificateId },
				...endFrom(nowMs),
			});
			// One that has gone meanwhile has expired.
			return put.done || put.there === null
				? certificateId
				: text(put.there, "by");
		},
		async settledBy(replaced) {
			const item = await table.get({ partition: SETTLED, sort: replaced });
			return item === null ? null : text(item, "by");
		},
	};
}

function replacementOf(certificateId: string): Key {
	return { partition: REPLACEMENTS, sort: certificateId };
}

function endFrom(nowMs: number): Item {
	const endMs = nowMs + REPLACEMENT_MS;
	return {
		[TABLES.records.ttlAttribute]: { N: String(Math.ceil(endMs / 1000)) },
	};
}
