/** Which devices are shared with whom, on DynamoDB: by person in the table, by device in its index. */
import type { GrantStore } from "../../../core/people.ts";
import { allOf, OTHER_INDEX, SEPARATOR } from "./records.ts";
import { type Item, type Key, keyOf, type Table, take, text } from "./table.ts";

const GRANTS = `grant${SEPARATOR}`;

export function dynamoGrants(table: Table): GrantStore {
	return {
		devicesOf: (subject) =>
			take(
				table.query(allOf(GRANTS + subject)),
				Number.POSITIVE_INFINITY,
				(item) => keyOf(item).sort,
			),
		subjectsOf: (device) =>
			take(
				table.queryIndex(OTHER_INDEX, {
					partition: GRANTS + device,
					sort: { name: "k", to: { S: LAST } },
				}),
				Number.POSITIVE_INFINITY,
				subjectOf,
			),
		has: async (subject, device) =>
			(await table.get(grantKey(subject, device))) !== null,
		grant: (subject, device) =>
			table.put({
				p: { S: GRANTS + subject },
				s: { S: device },
				g: { S: GRANTS + device },
				k: { S: subject },
			}),
		revoke: (subject, device) => table.delete(grantKey(subject, device)),
	};
}

/** Sorts after whatever an identity provider calls a person. */
const LAST = "\u{10ffff}";

function grantKey(subject: string, device: string): Key {
	return { partition: GRANTS + subject, sort: device };
}

function subjectOf(item: Item): string {
	return text(item, "k");
}
