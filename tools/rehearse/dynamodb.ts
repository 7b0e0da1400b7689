/**
 * DynamoDB for a rehearsal: dynalite behind a door that asks whether the caller may do what it does, that can fail as
 * DynamoDB does, and that keeps the stream which dynalite has not. Every write that the door lets through is made alone:
 * the item is read before and after it, and what has changed becomes the stream's record. So records come in the order of
 * the writes, each with the very item that was stored; of shards there is one a table.
 */
import { createServer, type IncomingMessage, type Server } from "node:http";
import dynalite from "dynalite";
import { RehearsalError } from "./errors.ts";
import { isObject, type Json, listIn, objectIn, textIn } from "./json.ts";
import {
	accessKeyOf,
	closeServer,
	LOOPBACK,
	listenOnLoopback,
	readBody,
} from "./loopback.ts";
import { ACCOUNT, REGION, type Resource, type Template } from "./template.ts";

/** A request, as far as permissions and faults ask of it. */
export interface DynamoCall {
	/** The access key of who calls. */
	readonly caller: string | null;
	/** "PutItem", … */
	readonly operation: string;
	/** ARNs of the tables and indexes that it touches. */
	readonly resources: readonly string[];
	readonly body: Json;
}

/** An answer that DynamoDB gives instead of doing what it was asked. */
export interface DynamoFault {
	readonly status: number;
	/** "ProvisionedThroughputExceededException", … */
	readonly type: string;
	readonly message: string;
}

export type StreamViewType =
	| "KEYS_ONLY"
	| "NEW_IMAGE"
	| "OLD_IMAGE"
	| "NEW_AND_OLD_IMAGES";

/** As Lambda hands it over: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html ("Example"). */
export interface StreamRecord {
	readonly eventID: string;
	readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
	readonly eventVersion: "1.1";
	readonly eventSource: "aws:dynamodb";
	readonly awsRegion: string;
	readonly dynamodb: Json;
	readonly eventSourceARN: string;
}

interface TableState {
	readonly arn: string;
	readonly keys: readonly string[];
	readonly stream: {
		readonly arn: string;
		readonly view: StreamViewType;
		readonly records: StreamRecord[];
	} | null;
}

type Item = Json;

const WRITES = new Set(["PutItem", "UpdateItem", "DeleteItem"]);
const PASSED = new Set(["GetItem", "BatchGetItem", "Query", "Scan"]);

export class DynamoDb {
	readonly #judge: (call: DynamoCall) => DynamoFault | null;
	readonly #nowMs: () => number;
	readonly #backend: Server = dynalite({ createTableMs: 0 });
	readonly #door = createServer((request, response) => {
		this.#answer(request).then(
			({ status, text }) => {
				response.writeHead(status, {
					"content-type": "application/x-amz-json-1.0",
				});
				response.end(text);
			},
			(error: unknown) => {
				response.writeHead(500);
				response.end(String(error));
			},
		);
	});
	readonly #tables = new Map<string, TableState>();
	#backendPort = 0;
	#writing: Promise<unknown> = Promise.resolve();
	#sequence = 0;
	endpoint = "";

	/**
	 * @param judge asked before each request; what it returns is the answer
	 * @param nowMs when records of streams are made
	 */
	constructor(
		judge: (call: DynamoCall) => DynamoFault | null,
		nowMs: () => number = Date.now,
	) {
		this.#judge = judge;
		this.#nowMs = nowMs;
	}

	async start(): Promise<void> {
		this.#backendPort = await listenOnLoopback(this.#backend);
		const port = await listenOnLoopback(this.#door);
		this.endpoint = `http://${LOOPBACK}:${port}`;
	}

	async close(): Promise<void> {
		await closeServer(this.#door);
		await closeServer(this.#backend);
	}

	/** Makes a table as the template has it. */
	async createTable(template: Template, resource: Resource): Promise<void> {
		const properties = template.properties(resource);
		const name = template.ref(resource);
		const pick = (from: Json, ...keys: readonly string[]) =>
			Object.fromEntries(
				keys.filter((key) => key in from).map((key) => [key, from[key]]),
			);
		const indexes = (key: string) =>
			listIn(properties[key], key).map((index) =>
				pick(objectIn(index, key), "IndexName", "KeySchema", "Projection"),
			);
		const globals = indexes("GlobalSecondaryIndexes");
		const locals = indexes("LocalSecondaryIndexes");
		const { status, text } = await this.#ask("CreateTable", {
			TableName: name,
			BillingMode: "PAY_PER_REQUEST",
			...pick(properties, "AttributeDefinitions", "KeySchema"),
			...(globals.length === 0 ? {} : { GlobalSecondaryIndexes: globals }),
			...(locals.length === 0 ? {} : { LocalSecondaryIndexes: locals }),
		});
		if (status !== 200) {
			throw new RehearsalError(
				"bad_wiring",
				`${resource.id} cannot be made: ${text}`,
			);
		}
		const stream = properties.StreamSpecification;
		this.#tables.set(name, {
			arn: template.attribute(resource, "Arn"),
			keys: listIn(properties.KeySchema, "KeySchema").map((key) =>
				textIn(objectIn(key, "KeySchema").AttributeName, "AttributeName"),
			),
			stream: isObject(stream)
				? {
						arn: template.attribute(resource, "StreamArn"),
						view: textIn(
							stream.StreamViewType,
							"StreamViewType",
						) as StreamViewType,
						records: [],
					}
				: null,
		});
		await this.#untilActive(name);
	}

	/** All records of a stream, oldest first. */
	recordsOf(streamArn: string): readonly StreamRecord[] {
		for (const { stream } of this.#tables.values()) {
			if (stream?.arn === streamArn) return stream.records;
		}
		throw new RehearsalError("bad_wiring", `There is no stream ${streamArn}.`);
	}

	async #untilActive(name: string): Promise<void> {
		for (;;) {
			const { text } = await this.#ask("DescribeTable", { TableName: name });
			const { Table } = JSON.parse(text) as {
				Table?: { TableStatus?: string };
			};
			if (Table?.TableStatus === "ACTIVE") return;
			await new Promise((resolve) => setImmediate(resolve));
		}
	}

	async #answer(
		request: IncomingMessage,
	): Promise<{ readonly status: number; readonly text: string }> {
		const operation = String(request.headers["x-amz-target"] ?? "").replace(
			/^DynamoDB_\d+\./,
			"",
		);
		const body = objectIn(
			JSON.parse((await readBody(request)).toString() || "{}"),
			operation,
		);
		const fault = this.#judge({
			caller: accessKeyOf(request),
			operation,
			resources: touched(operation, body),
			body,
		});
		if (fault !== null) return faultText(fault);
		if (WRITES.has(operation)) {
			return this.#alone(() => this.#write(operation, body));
		}
		if (operation === "BatchWriteItem") {
			return this.#alone(() => this.#batchWrite(body));
		}
		if (PASSED.has(operation)) return this.#ask(operation, body);
		return faultText({
			status: 400,
			type: "UnknownOperationException",
			message: `The rehearsal has no ${operation}.`,
		});
	}

	#alone<T>(write: () => Promise<T>): Promise<T> {
		const done = this.#writing.then(write);
		this.#writing = done.catch(() => undefined);
		return done;
	}

	async #write(operation: string, body: Json) {
		const table = this.#table(textIn(body.TableName, operation));
		const source = objectIn(body.Key ?? body.Item, operation);
		const key = keyOf(table, source);
		const before = await this.#get(body.TableName, key);
		const answer = await this.#ask(operation, body);
		if (answer.status === 200) {
			this.#record(table, key, before, await this.#get(body.TableName, key));
		}
		return answer;
	}

	async #batchWrite(body: Json) {
		const requests = Object.entries(
			objectIn(body.RequestItems, "RequestItems"),
		).flatMap(([name, items]) =>
			listIn(items, name).map((item) => {
				const { PutRequest, DeleteRequest } = objectIn(item, name);
				const source = isObject(PutRequest)
					? PutRequest.Item
					: objectIn(DeleteRequest, name).Key;
				const table = this.#table(name);
				return { name, table, key: keyOf(table, objectIn(source, name)) };
			}),
		);
		const before: (Item | null)[] = [];
		for (const { name, key } of requests) {
			before.push(await this.#get(name, key));
		}
		const answer = await this.#ask("BatchWriteItem", body);
		if (answer.status !== 200) return answer;
		for (const [index, { name, table, key }] of requests.entries()) {
			const after = await this.#get(name, key);
			this.#record(table, key, before[index] ?? null, after);
		}
		return answer;
	}

	/** "If you perform a PutItem or UpdateItem operation that does not change any data …, no stream record is written." */
	#record(
		{ stream, keys }: TableState,
		key: Item,
		before: Item | null,
		after: Item | null,
	): void {
		if (stream === null || (before === null && after === null)) return;
		if (canonical(before) === canonical(after)) return;
		const { view } = stream;
		const withOld = view === "OLD_IMAGE" || view === "NEW_AND_OLD_IMAGES";
		const withNew = view === "NEW_IMAGE" || view === "NEW_AND_OLD_IMAGES";
		this.#sequence++;
		stream.records.push({
			eventID: String(this.#sequence).padStart(32, "0"),
			eventName:
				before === null ? "INSERT" : after === null ? "REMOVE" : "MODIFY",
			eventVersion: "1.1",
			eventSource: "aws:dynamodb",
			awsRegion: REGION,
			dynamodb: {
				ApproximateCreationDateTime: Math.floor(this.#nowMs() / 1000),
				Keys: Object.fromEntries(keys.map((name) => [name, key[name]])),
				...(withNew && after !== null ? { NewImage: after } : {}),
				...(withOld && before !== null ? { OldImage: before } : {}),
				SequenceNumber: String(this.#sequence).padStart(21, "1"),
				SizeBytes: Buffer.byteLength(JSON.stringify(after ?? before)),
				StreamViewType: view,
			},
			eventSourceARN: stream.arn,
		});
	}

	async #get(table: unknown, key: Item): Promise<Item | null> {
		const { text } = await this.#ask("GetItem", {
			TableName: table,
			Key: key,
			ConsistentRead: true,
		});
		const { Item } = objectIn(JSON.parse(text), "GetItem");
		return isObject(Item) ? Item : null;
	}

	#table(name: string): TableState {
		const table = this.#tables.get(name);
		if (table !== undefined) return table;
		throw new RehearsalError("bad_wiring", `There is no table ${name}.`);
	}

	async #ask(
		operation: string,
		body: unknown,
	): Promise<{ readonly status: number; readonly text: string }> {
		const response = await fetch(`http://${LOOPBACK}:${this.#backendPort}`, {
			method: "POST",
			headers: {
				"content-type": "application/x-amz-json-1.0",
				"x-amz-target": `DynamoDB_20120810.${operation}`,
				"x-amz-date": "20261125T000000Z",
				// dynalite wants a signature and does not check it.
				authorization:
					"AWS4-HMAC-SHA256 Credential=rehearsal/20261125/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
			},
			body: JSON.stringify(body),
		});
		return { status: response.status, text: await response.text() };
	}
}

function keyOf({ keys }: TableState, source: Json): Item {
	return Object.fromEntries(keys.map((name) => [name, source[name]]));
}

function faultText({ status, type, message }: DynamoFault) {
	return {
		status,
		text: JSON.stringify({
			__type: `com.amazonaws.dynamodb.v20120810#${type}`,
			message,
		}),
	};
}

function touched(operation: string, body: Json): readonly string[] {
	const arn = (name: string) =>
		`arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`;
	if (isObject(body.RequestItems)) {
		return Object.keys(body.RequestItems).map(arn);
	}
	const table = arn(textIn(body.TableName ?? "", operation));
	return [
		typeof body.IndexName === "string"
			? `${table}/index/${body.IndexName}`
			: table,
	];
}

/** The order of keys says nothing, nor does that of a set's members. */
function canonical(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
	if (!isObject(value)) return JSON.stringify(value);
	const entries = Object.entries(value).map(([key, item]) => {
		const isSet = ["SS", "NS", "BS"].includes(key) && Array.isArray(item);
		return [key, canonical(isSet ? [...item].sort() : item)] as const;
	});
	return `{${entries
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([key, item]) => `${JSON.stringify(key)}:${item}`)
		.join()}}`;
}
