/**
 * Claims on DynamoDB, in the table of records. Not in SSM's Parameter Store: that has no conditional write, so that two nodes
 * could claim one name, and 10,000 standard parameters an account.
 */
import type { ClaimStore } from "../../../core/claims.ts";
import { keyOf, number, type Table } from "./table.ts";

const CLAIMS = "claim";

export function dynamoClaims(table: Table): ClaimStore {
	return {
		allow: (name, allowedMs) =>
			table.put({
				p: { S: CLAIMS },
				s: { S: name },
				allowedMs: { N: String(allowedMs) },
			}),
		async get(name) {
			const item = await table.get({ partition: CLAIMS, sort: name });
			if (item === null) return null;
			return {
				name: keyOf(item).sort,
				allowedMs: number(item, "allowedMs"),
				claimedMs:
					item.claimedMs === undefined ? null : number(item, "claimedMs"),
			};
		},
		claim: (name, claimedMs) =>
			table.update({ partition: CLAIMS, sort: name }, "SET claimedMs = :at", {
				expression: "attribute_exists(p) AND attribute_not_exists(claimedMs)",
				values: { ":at": { N: String(claimedMs) } },
			}),
	};
}
