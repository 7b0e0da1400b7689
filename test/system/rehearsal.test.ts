/**
 * The rehearsal of the stack on AWS passes on what is synthesized and bundled from these sources, and fails on stacks that
 * would fail in the cloud.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import {
	failuresOf,
	forbid,
	named,
	REHEARSAL_TIMEOUT_MS,
	RehearsedStack,
	type Resources,
} from "./support/rehearsal.ts";

describe("The rehearsal", () => {
	const stack = new RehearsedStack();

	before(function () {
		this.timeout(REHEARSAL_TIMEOUT_MS);
		stack.synthesize({});
	});

	after(() => stack.remove());

	it("passes, from a node's block to a reading of the API and through all that can go wrong", async function () {
		this.timeout(REHEARSAL_TIMEOUT_MS);
		assert.equal(await failuresOf(stack.dir), "");
	});

	const faults: readonly (readonly [
		string,
		string,
		(resources: Resources) => void,
		RegExp,
	])[] = [
		[
			"a function may not do what it does",
			"Messages come twice",
			(resources) => forbid(resources, /^IngestFunction/, "dynamodb:PutItem"),
			/thinghz-ingest may not dynamodb:PutItem on .*table\/thinghz-records/,
		],
		[
			"a function may not take messages out of its queue",
			"Messages come twice",
			(resources) => forbid(resources, /^IngestFunction/, "sqs:DeleteMessage"),
			/thinghz-ingest may not sqs:DeleteMessage/,
		],
		[
			"a function lacks a variable",
			"What leads where",
			(resources) => {
				const { Properties } = named(
					resources,
					"AWS::Lambda::Function",
					/^Presence/,
				);
				Properties.Environment = { Variables: {} };
			},
			/thinghz-presence loads with the environment.*THINGHZ_RECORDS_TABLE is not set/,
		],
		[
			"a rule has no error action",
			"nothing",
			(resources) => {
				const rule = named(resources, "AWS::IoT::TopicRule", /^IngestBlocks/);
				delete (rule.Properties.TopicRulePayload as Record<string, unknown>)
					.ErrorAction;
			},
			/ErrorAction|an action is no object/,
		],
		[
			"a rule's SQL is beyond what is understood",
			"nothing",
			(resources) => {
				const rule = named(resources, "AWS::IoT::TopicRule", /^IngestBlocks/);
				Object.assign(rule.Properties.TopicRulePayload as object, {
					Sql: "SELECT encode(*, 'base64') AS block, newuuid() AS id",
				});
			},
			/Rule thinghz_blocks: newuuid\(\) is not among the functions/,
		],
		[
			"messages come back while they are still being worked on",
			"nothing",
			(resources) => {
				const queue = named(resources, "AWS::SQS::Queue", /^IngestQueue/);
				queue.Properties.VisibilityTimeout = 5;
			},
			/thinghz-ingest shows its messages again after 5000 ms/,
		],
		[
			"the API lets in whom another pool has signed in",
			"Who may see what",
			(resources) => {
				const judge = named(
					resources,
					"AWS::ApiGatewayV2::Authorizer",
					/People/,
				);
				Object.assign(judge.Properties.JwtConfiguration as object, {
					Issuer: "https://cognito-idp.eu-central-1.amazonaws.com/other",
				});
			},
			/trusts https:.*other, which is no user pool of the template/,
		],
	];
	for (const [what, only, change, message] of faults) {
		it(`fails when ${what}`, async function () {
			this.timeout(REHEARSAL_TIMEOUT_MS);
			assert.match(await failuresOf(stack.changed(change), { only }), message);
		});
	}

	it("says how to synthesize what is not there", async () => {
		assert.match(
			await failuresOf(join(stack.dir, "none")),
			/manifest\.json cannot be read\. `make synth` writes it/,
		);
	});
});
