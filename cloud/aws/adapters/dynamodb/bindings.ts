/** Bindings of boots to time on DynamoDB, in the thing's partition: never changed, and kept as long as the thing. */
import type { BindingStore, BootBinding } from "../../../core/ports.ts";
import { StoreError } from "../../../core/ports.ts";
import { BINDING_PREFIX as BINDING } from "../../tables.ts";
import { AFTER, hex8 } from "./block-keys.ts";
import { type Item, keyOf, number, type Table, take } from "./table.ts";

export function dynamoBindings(table: Table): BindingStore {
	return {
		async add(thing, binding) {
			const boot = bootPrefix(binding);
			const sort = `${boot}${uptimeKey(binding.fromUptimeMs)}`;
			const pages = table.query({
				partition: thing,
				from: boot,
				to: sort,
				newestFirst: true,
				limit: 1,
			});
			const [inForce] = await take(pages, 1, toBinding);
			if (inForce?.bootTimeMs === binding.bootTimeMs) return;
			await table.putNew({
				p: { S: thing },
				s: { S: sort },
				v: { N: String(binding.bootTimeMs) },
			});
		},
		list(thing, boot) {
			const from = boot === undefined ? BINDING : bootPrefix(boot);
			const pages = table.query({
				partition: thing,
				from,
				to: `${from}${AFTER}`,
			});
			return take(pages, Number.POSITIVE_INFINITY, toBinding);
		},
		count: (thing) =>
			table.count({
				partition: thing,
				from: BINDING,
				to: `${BINDING}${AFTER}`,
			}),
	};
}

function bootPrefix(boot: Pick<BootBinding, "journalId" | "boot">): string {
	return `${BINDING}${boot.journalId}.${hex8(boot.boot)}.`;
}

/** Up to 2^53, as 16 digits. */
function uptimeKey(uptimeMs: number): string {
	return String(uptimeMs).padStart(16, "0");
}

/** Exported for what reads the stream of the table. @throws StoreError "corrupt" */
export function toBinding(item: Item): BootBinding {
	const { sort } = keyOf(item);
	const match = /^c([0-9a-f]{16})\.([0-9a-f]{8})\.(\d{16})$/.exec(sort);
	if (match === null) {
		throw new StoreError("corrupt", `${sort} is no key of a binding.`);
	}
	return {
		journalId: match[1] ?? "",
		boot: Number.parseInt(match[2] ?? "", 16),
		fromUptimeMs: Number(match[3]),
		bootTimeMs: number(item, "v"),
	};
}
