/** Dead letters on DynamoDB: one partition by id, and in the index by thing. They are few, and large at times. */
import type { DeadLetter, DeadLetterStore } from "../../../core/ports.ts";
import type { Retention } from "./block-keys.ts";
import { OTHER_INDEX, SEPARATOR } from "./records.ts";
import {
	bytes,
	type Item,
	keyOf,
	number,
	type Table,
	take,
	text,
} from "./table.ts";

const LETTERS = "letter";
const LAST_ID = { partition: "counter", sort: LETTERS };
/** The API's cursor has as many digits. */
const ID_DIGITS = 15;

export function dynamoDeadLetters(
	table: Table,
	retention: Retention,
): DeadLetterStore {
	return {
		async add(letter) {
			// A number that is used up by an attempt that fails is missing, and nothing else.
			const id = idKey(await table.increment(LAST_ID, "n"));
			await table.put({
				p: { S: LETTERS },
				s: { S: id },
				g: { S: ofThing(letter.thing) },
				k: { S: id },
				thing: { S: letter.thing },
				topic: { S: letter.topic },
				reason: { S: letter.reason },
				detail: { S: letter.detail },
				receivedMs: { N: String(letter.receivedMs) },
				bytes: { B: letter.bytes },
				...retention.after(letter.receivedMs),
			});
		},
		async list({ limit, beforeId, thing }) {
			if (limit < 1 || (beforeId !== undefined && beforeId <= 1)) return [];
			const to = idKey(beforeId === undefined ? MAX_ID : beforeId - 1);
			if (thing === undefined) {
				const pages = table.query({
					partition: LETTERS,
					from: idKey(0),
					to,
					newestFirst: true,
					limit,
				});
				return take(pages, limit, toLetter);
			}
			const pages = table.queryIndex(OTHER_INDEX, {
				partition: ofThing(thing),
				sort: { name: "k", to: { S: to } },
				newestFirst: true,
				limit,
			});
			const keys = await take(pages, limit, keyOf);
			const letters = (await table.getMany(keys)).map(toLetter);
			return letters.sort((a, b) => b.id - a.id);
		},
		async get(id) {
			const item = await table.get({ partition: LETTERS, sort: idKey(id) });
			return item && toLetter(item);
		},
		remove: (id) => table.delete({ partition: LETTERS, sort: idKey(id) }),
	};
}

const MAX_ID = 10 ** ID_DIGITS - 1;

function idKey(id: number): string {
	return String(Math.min(id, MAX_ID)).padStart(ID_DIGITS, "0");
}

function ofThing(thing: string): string {
	return `${LETTERS}${SEPARATOR}${thing}`;
}

function toLetter(item: Item): DeadLetter {
	return {
		id: Number(keyOf(item).sort),
		thing: text(item, "thing"),
		topic: text(item, "topic"),
		reason: text(item, "reason"),
		detail: text(item, "detail"),
		receivedMs: number(item, "receivedMs"),
		bytes: bytes(item, "bytes"),
	};
}
