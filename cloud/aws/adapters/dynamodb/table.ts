/** A table of `cloud/aws/tables.ts` with the few operations that the stores need; every failure is a StoreError. */
import {
	type AttributeValue,
	BatchGetItemCommand,
	DeleteItemCommand,
	type DynamoDBClient,
	GetItemCommand,
	PutItemCommand,
	QueryCommand,
	UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { StoreError } from "../../../core/ports.ts";
import { isConditionFailed, toStoreError } from "./errors.ts";

export type Item = Record<string, AttributeValue>;

export interface Key {
	readonly partition: string;
	readonly sort: string;
}

/** Waits before what was left undone is asked for again. */
export type Wait = (delayMs: number) => Promise<void>;

export interface Condition {
	/** A condition expression. */
	readonly expression: string;
	readonly names?: Readonly<Record<string, string>>;
	readonly values?: Item;
}

export type ConditionalPut =
	| { readonly done: true }
	/** The condition was not met. `there` is the item that is there; null when it has gone meanwhile. */
	| { readonly done: false; readonly there: Item | null };

export interface Range {
	readonly partition: string;
	/** Both inclusive. */
	readonly from: string;
	readonly to: string;
	readonly newestFirst?: boolean;
	/** Items a request looks at, at most. */
	readonly limit?: number;
	/** A filter expression: what is filtered away is paid for. */
	readonly filter?: Condition;
	/** Attributes wanted, keys included; all where it is left out. */
	readonly attributes?: readonly string[];
}

/** BatchGetItem takes no more keys: its reference, "RequestItems". */
const MAX_BATCH_KEYS = 100;
/** Times that keys which were left undone are asked for again, waiting twice as long each time. */
const MAX_BATCH_TRIES = 6;
const FIRST_WAIT_MS = 25;

export class Table {
	readonly #client: Pick<DynamoDBClient, "send">;
	readonly #name: string;
	readonly #wait: Wait;

	constructor(
		client: Pick<DynamoDBClient, "send">,
		name: string,
		wait: Wait = sleep,
	) {
		this.#client = client;
		this.#name = name;
		this.#wait = wait;
	}

	/** Reads are strongly consistent: what was acknowledged is seen. */
	async get(key: Key): Promise<Item | null> {
		const { Item } = await this.#ask(() =>
			this.#client.send(
				new GetItemCommand({
					TableName: this.#name,
					Key: toKey(key),
					ConsistentRead: true,
				}),
			),
		);
		return Item ?? null;
	}

	async put(item: Item): Promise<void> {
		await this.#ask(() =>
			this.#client.send(
				new PutItemCommand({ TableName: this.#name, Item: item }),
			),
		);
	}

	/** Puts an item where there is none of its key. */
	putNew(item: Item): Promise<ConditionalPut> {
		return this.putIf(item, { expression: "attribute_not_exists(p)" });
	}

	async putIf(item: Item, condition: Condition): Promise<ConditionalPut> {
		try {
			await this.#client.send(
				new PutItemCommand({
					TableName: this.#name,
					Item: item,
					ReturnValuesOnConditionCheckFailure: "ALL_OLD",
					...toCondition(condition),
				}),
			);
			return { done: true };
		} catch (error) {
			if (!isConditionFailed(error)) throw toStoreError(error, this.#name);
			// Not every DynamoDB that is not AWS's gives the item with the exception.
			const there = error.Item ?? (await this.get(keyOf(item)));
			return { done: false, there };
		}
	}

	/** @returns false when the condition was not met: nothing changed */
	async update(
		key: Key,
		expression: string,
		condition: Condition,
	): Promise<boolean> {
		try {
			await this.#client.send(
				new UpdateItemCommand({
					TableName: this.#name,
					Key: toKey(key),
					UpdateExpression: expression,
					...toCondition(condition),
				}),
			);
			return true;
		} catch (error) {
			if (isConditionFailed(error)) return false;
			throw toStoreError(error, this.#name);
		}
	}

	/** Adds one to a number that begins at 0. @returns what it is then */
	async increment(key: Key, attribute: string): Promise<number> {
		const { Attributes } = await this.#ask(() =>
			this.#client.send(
				new UpdateItemCommand({
					TableName: this.#name,
					Key: toKey(key),
					UpdateExpression: "ADD #n :one",
					ExpressionAttributeNames: { "#n": attribute },
					ExpressionAttributeValues: { ":one": { N: "1" } },
					ReturnValues: "UPDATED_NEW",
				}),
			),
		);
		return number(Attributes ?? {}, attribute);
	}

	async delete(key: Key): Promise<void> {
		await this.remove(key);
	}

	/** As `delete`. @returns whether there was something */
	async remove(key: Key): Promise<boolean> {
		const { Attributes } = await this.#ask(() =>
			this.#client.send(
				new DeleteItemCommand({
					TableName: this.#name,
					Key: toKey(key),
					ReturnValues: "ALL_OLD",
				}),
			),
		);
		return Attributes !== undefined;
	}

	/** The items of a range by sort key, request after request: each answer has 1 MB at most. Consistent. */
	async *query(range: Range): AsyncGenerator<readonly Item[]> {
		yield* this.#queryPages({
			...queryOf(range, { partition: "p", sort: "s" }),
			ConsistentRead: true,
		});
	}

	/** As `query`, by the keys of an index: what was written a moment ago may not be in it yet. */
	async *queryIndex(
		index: string,
		range: Omit<Range, "from" | "to"> & {
			readonly sort: { readonly name: string; readonly to: AttributeValue };
		},
	): AsyncGenerator<readonly Item[]> {
		const { sort, ...rest } = range;
		yield* this.#queryPages({
			...queryOf(rest, { partition: "g", sort: sort.name }, sort.to),
			IndexName: index,
		});
	}

	async count(range: Range): Promise<number> {
		let count = 0;
		let start: Item | undefined;
		do {
			const answer = await this.#ask(() =>
				this.#client.send(
					new QueryCommand({
						...queryOf(range, { partition: "p", sort: "s" }),
						TableName: this.#name,
						ConsistentRead: true,
						Select: "COUNT",
						...(start === undefined ? {} : { ExclusiveStartKey: start }),
					}),
				),
			);
			count += answer.Count ?? 0;
			start = answer.LastEvaluatedKey;
		} while (start !== undefined);
		return count;
	}

	/** The items of those keys that are there, in any order. Consistent. */
	async getMany(keys: readonly Key[]): Promise<readonly Item[]> {
		const distinct = new Map(
			keys.map((key) => [`${key.partition}\n${key.sort}`, key]),
		);
		const all = [...distinct.values()];
		const batches: Promise<readonly Item[]>[] = [];
		for (let at = 0; at < all.length; at += MAX_BATCH_KEYS) {
			batches.push(this.#getBatch(all.slice(at, at + MAX_BATCH_KEYS)));
		}
		return (await Promise.all(batches)).flat();
	}

	async #getBatch(keys: readonly Key[]): Promise<readonly Item[]> {
		const items: Item[] = [];
		let left: Item[] = keys.map(toKey);
		for (let tries = 0; left.length > 0; tries++) {
			if (tries === MAX_BATCH_TRIES) {
				throw new StoreError(
					"throttled",
					`DynamoDB's table ${this.#name} left ${left.length} of ${keys.length} items unread ${tries} times.`,
				);
			}
			if (tries > 0) await this.#wait(FIRST_WAIT_MS * 2 ** tries);
			const answer = await this.#ask(() =>
				this.#client.send(
					new BatchGetItemCommand({
						RequestItems: {
							[this.#name]: { Keys: left, ConsistentRead: true },
						},
					}),
				),
			);
			items.push(...(answer.Responses?.[this.#name] ?? []));
			left = answer.UnprocessedKeys?.[this.#name]?.Keys ?? [];
		}
		return items;
	}

	async *#queryPages(
		input: Omit<ConstructorParameters<typeof QueryCommand>[0], "TableName">,
	): AsyncGenerator<readonly Item[]> {
		let start: Item | undefined;
		do {
			const answer = await this.#ask(() =>
				this.#client.send(
					new QueryCommand({
						...input,
						TableName: this.#name,
						...(start === undefined ? {} : { ExclusiveStartKey: start }),
					}),
				),
			);
			yield answer.Items ?? [];
			start = answer.LastEvaluatedKey;
		} while (start !== undefined);
	}

	async #ask<T>(request: () => Promise<T>): Promise<T> {
		try {
			return await request();
		} catch (error) {
			throw toStoreError(error, this.#name);
		}
	}
}

/** What a query of several pages gives, up to a number of items that are wanted. */
export async function take<T>(
	pages: AsyncIterable<readonly Item[]>,
	limit: number,
	wanted: (item: Item) => T | null,
): Promise<T[]> {
	const found: T[] = [];
	for await (const page of pages) {
		for (const item of page) {
			const one = wanted(item);
			if (one === null) continue;
			found.push(one);
			if (found.length === limit) return found;
		}
	}
	return found;
}

function sleep(delayMs: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, delayMs));
}

function toKey({ partition, sort }: Key): Item {
	return { p: { S: partition }, s: { S: sort } };
}

export function keyOf(item: Item): Key {
	return { partition: text(item, "p"), sort: text(item, "s") };
}

function toCondition(condition: Condition): {
	readonly ConditionExpression: string;
	readonly ExpressionAttributeNames?: Record<string, string>;
	readonly ExpressionAttributeValues?: Item;
} {
	const { expression, names, values } = condition;
	return {
		ConditionExpression: expression,
		...(names === undefined ? {} : { ExpressionAttributeNames: { ...names } }),
		...(values === undefined ? {} : { ExpressionAttributeValues: values }),
	};
}

function queryOf(
	range: Omit<Range, "from" | "to"> & Partial<Pick<Range, "from" | "to">>,
	keys: { readonly partition: string; readonly sort: string },
	to: AttributeValue = { S: range.to ?? "" },
): Omit<ConstructorParameters<typeof QueryCommand>[0], "TableName"> {
	const { filter, attributes } = range;
	const isOpen = range.from === undefined;
	const projected = (attributes ?? []).map((name, i) => [`#a${i}`, name]);
	return {
		KeyConditionExpression: isOpen
			? "#p = :p AND #s <= :to"
			: "#p = :p AND #s BETWEEN :from AND :to",
		ExpressionAttributeNames: {
			"#p": keys.partition,
			"#s": keys.sort,
			...Object.fromEntries(projected),
			...filter?.names,
		},
		ExpressionAttributeValues: {
			":p": { S: range.partition },
			":to": to,
			...(isOpen ? {} : { ":from": { S: range.from } }),
			...filter?.values,
		},
		...(filter === undefined ? {} : { FilterExpression: filter.expression }),
		...(attributes === undefined
			? {}
			: { ProjectionExpression: projected.map(([name]) => name).join(", ") }),
		...(range.limit === undefined ? {} : { Limit: range.limit }),
		...(range.newestFirst === true ? { ScanIndexForward: false } : {}),
	};
}

/** @throws StoreError "corrupt" */
export function text(item: Item, name: string): string {
	return item[name]?.S ?? corrupt(item, name);
}

/** @throws StoreError "corrupt" */
export function number(item: Item, name: string): number {
	return Number(item[name]?.N ?? corrupt(item, name));
}

/** @throws StoreError "corrupt" */
export function bytes(item: Item, name: string): Uint8Array {
	return item[name]?.B ?? corrupt(item, name);
}

/** @throws StoreError "corrupt" when it is no JSON; its shape is what this program has written */
export function json<T>(item: Item, name: string): T {
	try {
		return JSON.parse(text(item, name)) as T;
	} catch (error) {
		if (error instanceof StoreError) throw error;
		return corrupt(item, name, error);
	}
}

/** @throws StoreError "corrupt", always */
export function corrupt(item: Item, name: string, cause?: unknown): never {
	const { p, s } = item;
	throw new StoreError(
		"corrupt",
		`The item ${p?.S ?? "?"} ${s?.S ?? "?"} has no ${name} that can be read.`,
		{ cause },
	);
}
