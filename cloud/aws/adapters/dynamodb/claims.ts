/**
 * Claims on DynamoDB, in the table of records. Not in SSM's Parameter Store: that has no conditional write, so that two nodes
 * could claim one name, and 10,000 standard parameters an account.
 */
import type { Claim, ClaimStore } from "../../../core/claims.ts";
import { allOf } from "./records.ts";
import { type Item, keyOf, number, type Table, take } from "./table.ts";

const CLAIMS = "claim";
/** A name with it is what comes next to the name: nothing of names sorts before it. */
const NEXT = " ";

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
			return item === null ? null : toClaim(item);
		},
		list({ limit, after }) {
			const all = allOf(CLAIMS);
			const from = after === undefined ? all.from : `${after}${NEXT}`;
			return take(table.query({ ...all, from, limit }), limit, toClaim);
		},
		revoke: (name) => table.remove({ partition: CLAIMS, sort: name }),
		claim: (name, claimedMs) =>
			table.update({ partition: CLAIMS, sort: name }, "SET claimedMs = :at", {
				expression: "attribute_exists(p) AND attribute_not_exists(claimedMs)",
				values: { ":at": { N: String(claimedMs) } },
			}),
	};
}

function toClaim(item: Item): Claim {
	return {
		name: keyOf(item).sort,
		allowedMs: number(item, "allowedMs"),
		claimedMs: item.claimedMs === undefined ? null : number(item, "claimedMs"),
	};
}
