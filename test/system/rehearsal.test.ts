/**
 * The rehearsal of the stack on AWS passes on what is synthesized and bundled from these sources, and fails on stacks that
 * would fail in the cloud.
 */
import assert from "node:assert/strict";
import {
	cpSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createApp } from "../../cloud/aws/stack/app.ts";
import { parseContext } from "../../cloud/aws/stack/context.ts";
import { Assembly } from "../../tools/rehearse/assembly.ts";
import { rehearse } from "../../tools/rehearse/rehearse.ts";
import { Transcript } from "../../tools/rehearse/transcript.ts";
import { temporaryFolder } from "./support/cloud.ts";
import { ROOT } from "./support/command.ts";

interface Resource {
	readonly Type: string;
	readonly Properties: Record<string, unknown>;
}

type Resources = Record<string, Resource>;

const TIMEOUT_MS = 600_000;

describe("The rehearsal", () => {
	const folder = temporaryFolder();
	const synthesized = join(folder.dir, "cdk.out");
	let variants = 0;

	before(function () {
		this.timeout(TIMEOUT_MS);
		process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
		mkdirSync(synthesized);
		createApp({
			context: parseContext({}),
			bundleDir: join(ROOT, "dist/lambda"),
			webDir: join(ROOT, "dist/web"),
			outDir: synthesized,
		}).app.synth();
	});

	after(() => folder.remove());

	/** The same assembly with something of its template changed. */
	function changed(change: (resources: Resources) => void): string {
		const dir = join(folder.dir, `variant-${variants++}`);
		mkdirSync(dir);
		for (const name of readdirSync(synthesized)) {
			if (name.startsWith("asset.")) {
				symlinkSync(join(synthesized, name), join(dir, name));
			} else if (name.endsWith(".json")) {
				cpSync(join(synthesized, name), join(dir, name));
			}
		}
		const file = join(dir, "thinghz.template.json");
		const template = JSON.parse(readFileSync(file, "utf8"));
		change(template.Resources);
		writeFileSync(file, JSON.stringify(template));
		return dir;
	}

	/** @returns what failed, or why nothing could be played */
	async function failuresOf(dir: string, only: string): Promise<string> {
		const transcript = new Transcript(() => undefined);
		try {
			await rehearse(new Assembly(dir), transcript, only);
		} catch (error) {
			return (error as Error).message;
		}
		return transcript.scenes
			.flatMap(({ title, lines }) =>
				lines
					.filter(({ kind }) => kind === "failed")
					.map(({ text }) => `${title}: ${text}`),
			)
			.join("\n");
	}

	function named(resources: Resources, type: string, like: RegExp): Resource {
		const found = Object.entries(resources).find(
			([id, resource]) => resource.Type === type && like.test(id),
		);
		assert.ok(found, `no ${type} like ${like}`);
		return found[1];
	}

	/** Takes an action out of the policy of a role. */
	function forbid(resources: Resources, like: RegExp, action: string): void {
		const policy = named(resources, "AWS::IAM::Policy", like);
		const { Statement } = policy.Properties.PolicyDocument as {
			Statement: { Action: string | string[] }[];
		};
		let taken = 0;
		for (const statement of Statement) {
			const actions = [statement.Action].flat();
			taken += actions.filter((one) => one === action).length;
			statement.Action = [
				...actions.filter((one) => one !== action),
				"none:Nothing",
			];
		}
		assert.ok(taken > 0, `${action} was not allowed`);
	}

	it("passes, from a node's block to a reading of the API and through all that can go wrong", async function () {
		this.timeout(TIMEOUT_MS);
		assert.equal(await failuresOf(synthesized, ""), "");
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
			this.timeout(TIMEOUT_MS);
			assert.match(await failuresOf(changed(change), only), message);
		});
	}

	it("says how to synthesize what is not there", async () => {
		assert.match(
			await failuresOf(join(folder.dir, "none"), ""),
			/manifest\.json cannot be read\. `make synth` writes it/,
		);
	});
});
