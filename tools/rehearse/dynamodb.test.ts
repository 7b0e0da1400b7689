import assert from "node:assert/strict";
import {
	BatchWriteItemCommand,
	DeleteItemCommand,
	DynamoDBClient,
	PutItemCommand,
	QueryCommand,
	UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { type DynamoCall, DynamoDb, type DynamoFault } from "./dynamodb.ts";
import { Template } from "./template.ts";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

const TABLE = {
	Type: "AWS::DynamoDB::Table",
	Properties: {
		TableName: "records",
		AttributeDefinitions: ["p", "s", "g"].map((AttributeName) => ({
			AttributeName,
			AttributeType: "S",
		})),
		KeySchema: [
			{ AttributeName: "p", KeyType: "HASH" },
			{ AttributeName: "s", KeyType: "RANGE" },
		],
		GlobalSecondaryIndexes: [
			{
				IndexName: "other",
				KeySchema: [{ AttributeName: "g", KeyType: "HASH" }],
				Projection: { ProjectionType: "KEYS_ONLY" },
			},
		],
		StreamSpecification: { StreamViewType: "NEW_AND_OLD_IMAGES" },
		PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
	},
};
const ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/records";

describe("DynamoDB in a rehearsal", () => {
	let calls: DynamoCall[] = [];
	let fault: DynamoFault | null = null;
	const dynamoDb = new DynamoDb((call) => {
		calls.push(call);
		return fault;
	});
	const template = new Template({ Resources: { Table: TABLE } });
	let client: DynamoDBClient;
	const item = (s: string, rest: object = {}) => ({
		p: { S: "a" },
		s: { S: s },
		...rest,
	});
	const records = () =>
		dynamoDb.recordsOf(
			template.attribute(template.resource("Table"), "StreamArn"),
		);

	before(async () => {
		await dynamoDb.start();
		await dynamoDb.createTable(template, template.resource("Table"));
		client = new DynamoDBClient({
			endpoint: dynamoDb.endpoint,
			region: "eu-central-1",
			credentials: { accessKeyId: "AKIAINGEST", secretAccessKey: "x" },
			maxAttempts: 1,
		});
	});

	after(async () => {
		client.destroy();
		await dynamoDb.close();
	});

	beforeEach(() => {
		calls = [];
		fault = null;
	});

	it("tells who calls, what, and on which table or index", async () => {
		await client.send(
			new QueryCommand({
				TableName: "records",
				IndexName: "other",
				KeyConditionExpression: "g = :g",
				ExpressionAttributeValues: { ":g": { S: "x" } },
			}),
		);
		await client.send(
			new PutItemCommand({ TableName: "records", Item: item("0") }),
		);
		assert.deepEqual(
			calls.map(({ caller, operation, resources }) => ({
				caller,
				operation,
				resources,
			})),
			[
				{
					caller: "AKIAINGEST",
					operation: "Query",
					resources: [`${ARN}/index/other`],
				},
				{ caller: "AKIAINGEST", operation: "PutItem", resources: [ARN] },
			],
		);
	});

	it("keeps a record of each change with the item before and after it", async () => {
		const from = records().length;
		const TableName = "records";
		const one = item("1", { v: { N: "1" } });
		const two = item("1", { v: { N: "2" } });
		await client.send(new PutItemCommand({ TableName, Item: one }));
		await client.send(
			new UpdateItemCommand({
				TableName,
				Key: item("1"),
				UpdateExpression: "SET v = v + :one",
				ExpressionAttributeValues: { ":one": { N: "1" } },
			}),
		);
		await client.send(new DeleteItemCommand({ TableName, Key: item("1") }));
		const made = records().slice(from);
		assert.deepEqual(
			made.map(({ eventName, dynamodb }) => ({
				eventName,
				keys: dynamodb.Keys,
				before: dynamodb.OldImage,
				after: dynamodb.NewImage,
			})),
			[
				{ eventName: "INSERT", keys: item("1"), before: undefined, after: one },
				{ eventName: "MODIFY", keys: item("1"), before: one, after: two },
				{ eventName: "REMOVE", keys: item("1"), before: two, after: undefined },
			],
		);
		const sequences = made.map(({ dynamodb }) =>
			String(dynamodb.SequenceNumber),
		);
		assert.deepEqual(sequences, [...sequences].sort());
		assert.equal(new Set(sequences).size, 3);
	});

	it("keeps none of what changed nothing or was refused", async () => {
		const from = records().length;
		const put = new PutItemCommand({
			TableName: "records",
			Item: item("2", { t: { SS: ["a", "b"] } }),
		});
		await client.send(put);
		await client.send(put);
		await client.send(
			new DeleteItemCommand({ TableName: "records", Key: item("none") }),
		);
		await assert.rejects(
			client.send(
				new PutItemCommand({
					TableName: "records",
					Item: item("2"),
					ConditionExpression: "attribute_not_exists(p)",
				}),
			),
			{ name: "ConditionalCheckFailedException" },
		);
		assert.equal(records().length - from, 1);
	});

	it("keeps those of a batch, too", async () => {
		const from = records().length;
		await client.send(
			new BatchWriteItemCommand({
				RequestItems: {
					records: [
						{ PutRequest: { Item: item("3") } },
						{ PutRequest: { Item: item("4") } },
						{ DeleteRequest: { Key: item("2") } },
					],
				},
			}),
		);
		assert.deepEqual(
			records()
				.slice(from)
				.map(({ eventName }) => eventName),
			["INSERT", "INSERT", "REMOVE"],
		);
	});

	it("fails as it is told to, and does nothing then", async () => {
		const from = records().length;
		fault = {
			status: 400,
			type: "ProvisionedThroughputExceededException",
			message: "Slower, please.",
		};
		await assert.rejects(
			client.send(
				new PutItemCommand({ TableName: "records", Item: item("5") }),
			),
			{ name: "ProvisionedThroughputExceededException" },
		);
		assert.equal(records().length, from);
	});
});
