import assert from "node:assert/strict";
import { MAX_BLOCK_BYTES } from "../../../firmware/node/block-builder.ts";
import { blockTopic } from "../../../protocol/topics.ts";
import {
	BLOCKS_RULE,
	BLOCKS_RULE_SQL,
	EVENTS_RULE,
	EVENTS_RULE_SQL,
	PRESENCE_RULE,
	PRESENCE_RULE_SQL,
	RULE_SQL_VERSION,
} from "../messages.ts";
import { checkRule, type RuleToCheck } from "./check.ts";
import { evaluateRule } from "./evaluate.ts";

const BLOCKS: RuleToCheck = {
	name: BLOCKS_RULE,
	sql: BLOCKS_RULE_SQL,
	sqlVersion: RULE_SQL_VERSION,
	payload: "binary",
	basicIngestOnly: true,
	actions: ["sqs"],
};

function refuses(change: Partial<RuleToCheck>, message: RegExp): void {
	assert.throws(
		() => checkRule({ ...BLOCKS, ...change }),
		(error: Error) =>
			message.test(error.message) &&
			error.message.startsWith(`Rule ${change.name ?? BLOCKS.name}: `),
	);
}

describe("A topic rule", () => {
	it("passes when its SQL suits its messages and actions, as ours does", () => {
		checkRule(BLOCKS);
		checkRule({ ...BLOCKS, name: EVENTS_RULE, sql: EVENTS_RULE_SQL });
		checkRule({
			...BLOCKS,
			name: PRESENCE_RULE,
			sql: PRESENCE_RULE_SQL,
			payload: "json",
			basicIngestOnly: false,
		});
	});

	it("is refused with SQL outside the subset", () => {
		refuses({ sql: "SELECT upper(a) AS b" }, /upper\(\) is not among/);
	});

	it("is refused when it would send bytes where only text goes", () => {
		refuses({ sql: "SELECT *" }, /binary, which sqs cannot carry/);
		refuses({ sql: "SELECT *, topic(1) AS thing" }, /cannot carry/);
		refuses({ sql: "SELECT *", actions: ["lambda"] }, /lambda cannot carry/);
	});

	it("is refused when it asks bytes for a field", () => {
		const encoded = "SELECT encode(*, 'base64') AS block";
		refuses({ sql: `${encoded}, a.b AS b` }, /no field a\.b/);
		refuses({ sql: `${encoded}, encode(a, 'base64') AS b` }, /no field a/);
		refuses({ sql: `${encoded} WHERE NOT (1 = 1 AND a = 2)` }, /no field a/);
	});

	it("is refused without a version, which would be the old one", () => {
		refuses({ sqlVersion: undefined }, /2015-10-08/);
		refuses({ sqlVersion: "2015-10-08" }, /2016-03-23/);
	});

	it("is refused without FROM where the broker is to reach it", () => {
		refuses({ basicIngestOnly: false }, /FROM may be left out only/);
	});

	it("is refused with a name that is none, without actions, and with too many", () => {
		refuses({ name: "thinghz-blocks" }, /letters, digits and underscores/);
		refuses({ actions: [] }, /1 to 10 actions/);
		refuses({ actions: Array(11).fill("sqs") }, /1 to 10 actions/);
	});

	it("carries the largest block below every hop's limit", () => {
		const thing = "t".repeat(128);
		const output = evaluateRule("thinghz_blocks", checkRule(BLOCKS), {
			topic: blockTopic(thing),
			payload: new Uint8Array(MAX_BLOCK_BYTES).fill(0xff),
			clientId: thing,
			principal: "f".repeat(64),
			timestampMs: Date.UTC(2100, 0),
		});
		const bytes = output?.length ?? Number.POSITIVE_INFINITY;
		assert.equal(
			Buffer.from(
				JSON.parse(new TextDecoder().decode(output ?? undefined)).block,
				"base64",
			).length,
			MAX_BLOCK_BYTES,
		);
		// What a message takes of its hops: AWS IoT's publish, an SQS message (its former limit), the batch of ten that a
		// Lambda function is given, whose payload holds the body as a JSON string, and a DynamoDB item.
		const event = JSON.stringify({
			Records: Array(10).fill({
				body: new TextDecoder().decode(output ?? undefined),
			}),
		}).length;
		const share = (limit: number) => `${((100 * bytes) / limit).toFixed(1)} %`;
		assert.ok(bytes < 128 * 1024, `MQTT: ${share(128 * 1024)}`);
		assert.ok(bytes < 256 * 1024, `SQS: ${share(256 * 1024)}`);
		assert.ok(event < 6 * 1024 * 1024, "Lambda's synchronous payload");
		assert.ok(MAX_BLOCK_BYTES < 400 * 1024, "DynamoDB's item");
		assert.ok(bytes < 8 * 1024, `${bytes} B is more than base64 explains`);
	});
});
