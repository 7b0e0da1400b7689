/** What costs are reckoned with is what the adapters write, as DynamoDB counts it. */
import assert from "node:assert/strict";
import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dynamoStores } from "../../cloud/aws/adapters/dynamodb/stores.ts";
import { SEEN_EVERY_MS } from "../../cloud/aws/ingest.ts";
import {
	synthesized,
	type TemplateResource,
} from "../../cloud/aws/stack/fakes/synthesized.ts";
import { HOUR_MS } from "../../cloud/core/spans.ts";
import { DESIGN } from "./design.ts";
import { healthStream, readingsStream } from "./streams.ts";

const NOW = Date.UTC(2026, 2, 1, 12);
const THING = "greenhouse-12";

interface Sent {
	readonly Item?: Record<string, AttributeValue>;
	readonly Key?: Record<string, AttributeValue>;
	readonly UpdateExpression?: string;
	readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
}

/**
 * Names and values in bytes: text in UTF-8, a number half a byte a digit and one more, bytes as they are.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
function sizeOf(item: Readonly<Record<string, AttributeValue>>): number {
	return Object.entries(item).reduce((sum, [name, value]) => {
		const text = value.S === undefined ? 0 : Buffer.byteLength(value.S);
		const digits = value.N?.replace(/0+$/, "").length ?? 0;
		const number = value.N === undefined ? 0 : Math.ceil(digits / 2) + 1;
		return (
			sum + Buffer.byteLength(name) + text + number + (value.B?.length ?? 0)
		);
	}, 0);
}

function recording() {
	const sent: Sent[] = [];
	const client = {
		send: async (command: { readonly input: Sent }) => {
			sent.push(command.input);
			return {};
		},
	} as unknown as DynamoDBClient;
	const stores = dynamoStores({
		client,
		tables: { blocks: "blocks", records: "records" },
		clock: { nowMs: () => NOW },
		retentionMs: 90 * 86_400_000,
	});
	return { sent, stores };
}

describe("the design that costs are reckoned for", () => {
	it("has the overhead of a block's item that the adapter writes", async () => {
		const { sent, stores } = recording();
		const { blockBytes } = readingsStream(1000, 300_000, 3);
		await stores.blocks.put([
			{
				thing: THING,
				journalId: "00000000000000ce",
				boot: 7,
				sequence: 1000,
				startMs: NOW - 300_123,
				spanMs: 300_000,
				receivedMs: NOW - 123,
				bytes: new Uint8Array(blockBytes),
			},
		]);
		const puts = sent.flatMap(({ Item }) =>
			Item?.b === undefined ? [] : [Item],
		);
		assert.equal(puts.length, 1, "one write a block");
		const overhead = sizeOf(puts[0] ?? {}) - blockBytes;
		assert.ok(
			Math.abs(overhead - DESIGN.sizes.blockOverhead) <= 6,
			`it is ${overhead} bytes`,
		);
	});

	it("has the size of a rollup that the adapter writes", async () => {
		const { sent, stores } = recording();
		const channels = 19;
		const rows = Array.from({ length: channels }, (_, i) => ({
			channel: `${"abcdefghijklmnopqrs"[i]}_temperature`,
			kind: "gauge" as const,
			unit: "°C",
			bucketMs: NOW - HOUR_MS,
			exponent: -2,
			count: 3600,
			first: 21_534 - 731 * i,
			last: 21_487 - 577 * i,
			min: 19_902 - 911 * i,
			max: 23_104 + 613 * i,
			sum: 77_298_211 - 3_271_819 * i,
		}));
		const bucket = { size: "hour" as const, bucketMs: NOW - HOUR_MS, mark: 1 };
		await stores.rollups.replace(THING, [{ ...bucket, rows }]);
		const [update] = sent.filter(({ UpdateExpression }) => UpdateExpression);
		const { ":r": packed } = update?.ExpressionAttributeValues ?? {};
		assert.ok(packed);
		const size = sizeOf({ ...update?.Key, r: packed, x: { N: "1234567891" } });
		const { rollupChannel, rollupOverhead } = DESIGN.sizes;
		const reckoned = rollupOverhead + channels * rollupChannel;
		assert.ok(Math.abs(size / reckoned - 1) < 0.15, `it is ${size} bytes`);
	});

	it("notes that a device was seen as often as ingest does", () => {
		assert.equal(DESIGN.seenEveryS * 1000, SEEN_EVERY_MS);
	});

	it("counts a node's health as the node sends it", () => {
		const { channels, spanS, blockBytes } = healthStream();
		assert.deepEqual([channels, spanS], [16, 3600]);
		assert.ok(blockBytes > 200 && blockBytes < 1000, `${blockBytes}`);
	});
});

describe("the stack that costs are reckoned for", () => {
	let resources: readonly TemplateResource[];

	before(() => {
		resources = Object.values(synthesized("lean").template.Resources);
	});

	const ofType = (type: string) => resources.filter((one) => one.Type === type);

	it("has so many alarms, dashboards and secrets", () => {
		assert.equal(ofType("AWS::CloudWatch::Alarm").length, DESIGN.alarms);
		const withRows = Object.values(
			synthesized("timestream").template.Resources,
		);
		assert.equal(
			withRows.filter(({ Type }) => Type === "AWS::CloudWatch::Alarm").length,
			DESIGN.alarms + DESIGN.rowAlarms,
		);
		assert.equal(
			ofType("AWS::CloudWatch::Dashboard").length,
			DESIGN.dashboards,
		);
		assert.equal(ofType("AWS::SecretsManager::Secret").length, DESIGN.secrets);
	});

	it("gathers messages of its queues for so long, and polls so many of them", () => {
		const polled = ofType("AWS::Lambda::EventSourceMapping").filter(
			({ Properties }) =>
				JSON.stringify(Properties?.EventSourceArn).includes("Queue"),
		);
		assert.equal(polled.length, 1 + DESIGN.otherQueues);
		assert.ok(
			polled.some(
				({ Properties }) =>
					Properties?.MaximumBatchingWindowInSeconds === DESIGN.batchWindowS,
			),
		);
	});

	it("gives its functions so much memory", () => {
		const memoryOf = (name: string) =>
			ofType("AWS::Lambda::Function").find(
				({ Properties }) => Properties?.FunctionName === `thinghz-${name}`,
			)?.Properties?.MemorySize;
		assert.equal(memoryOf("ingest"), DESIGN.ingestMemoryMb);
		assert.equal(memoryOf("api"), DESIGN.apiMemoryMb);
	});

	it("can set its tables back, which is paid for", () => {
		for (const { Properties } of ofType("AWS::DynamoDB::Table")) {
			assert.deepEqual(Properties?.PointInTimeRecoverySpecification, {
				PointInTimeRecoveryEnabled: true,
			});
		}
	});
});
