/** Which certificate takes another's place, on DynamoDB, in the table of records. */
import {
	CLAIM_MS,
	REPLACEMENT_MS,
	type ReplacementStore,
} from "../../../core/replacements.ts";
import { TABLES } from "../../tables.ts";
import { type Key, type Table, text } from "./table.ts";

const REPLACEMENTS = "replacement";
const CLAIMED = "claimed";

export function dynamoReplacements(table: Table): ReplacementStore {
	return {
		note: ({ certificateId, thing, replaces }, nowMs) =>
			table.put({
				p: { S: REPLACEMENTS },
				s: { S: certificateId },
				thing: { S: thing },
				replaces: { S: replaces },
				[TABLES.records.ttlAttribute]: endOf(nowMs + REPLACEMENT_MS),
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
		noteClaim: (thing, certificateId, nowMs) =>
			table.put({
				p: { S: CLAIMED },
				s: { S: thing },
				certificateId: { S: certificateId },
				[TABLES.records.ttlAttribute]: endOf(nowMs + CLAIM_MS),
			}),
		async lastClaimOf(thing) {
			const item = await table.get({ partition: CLAIMED, sort: thing });
			return item === null ? null : text(item, "certificateId");
		},
	};
}

function keyOf(certificateId: string): Key {
	return { partition: REPLACEMENTS, sort: certificateId };
}

function endOf(atMs: number): { readonly N: string } {
	return { N: String(Math.ceil(atMs / 1000)) };
}
