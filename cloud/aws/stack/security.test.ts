/**
 * Everything of the stack that decides who may do what, as text in security.json: a change of it shows in a review. After a
 * change that is meant, `make stack-security` writes the file anew.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { print, readable } from "./fakes/readable.ts";
import { synthesized, VARIANTS, type Variant } from "./fakes/synthesized.ts";

const FILE = fileURLToPath(new URL("security.json", import.meta.url));

/** Types that decide it, with the properties that do; all of them where none are named. */
const DECIDING: Readonly<Record<string, readonly string[]>> = {
	"AWS::ApiGatewayV2::Authorizer": [],
	"AWS::ApiGatewayV2::Route": ["RouteKey", "AuthorizationType", "AuthorizerId"],
	"AWS::CloudFront::OriginAccessControl": [],
	"AWS::CloudFront::ResponseHeadersPolicy": [],
	"AWS::Cognito::UserPool": [
		"AdminCreateUserConfig",
		"EnabledMfas",
		"MfaConfiguration",
		"Policies",
	],
	"AWS::Cognito::UserPoolClient": [],
	"AWS::Cognito::UserPoolResourceServer": [],
	"AWS::EC2::SecurityGroup": [],
	"AWS::EC2::SecurityGroupEgress": [],
	"AWS::EC2::SecurityGroupIngress": [],
	"AWS::EC2::VPCEndpoint": [],
	"AWS::IAM::Policy": ["PolicyDocument", "Roles"],
	"AWS::IAM::Role": ["AssumeRolePolicyDocument", "ManagedPolicyArns"],
	"AWS::IoT::Policy": ["PolicyDocument"],
	"AWS::IoT::ProvisioningTemplate": [
		"PreProvisioningHook",
		"ProvisioningRoleArn",
		"TemplateBody",
	],
	"AWS::Lambda::Permission": [],
	"AWS::S3::Bucket": ["OwnershipControls", "PublicAccessBlockConfiguration"],
	"AWS::S3::BucketPolicy": [],
	"AWS::SNS::TopicPolicy": [],
	"AWS::SQS::QueuePolicy": [],
};

type Decisions = Readonly<Record<string, unknown>>;

function decisionsOf(variant: Variant): Decisions {
	const decisions: Record<string, unknown> = {};
	const resources = Object.entries(synthesized(variant).template.Resources);
	for (const [id, { Type, Properties = {} }] of resources.sort(byName)) {
		const names = DECIDING[Type];
		if (names === undefined) continue;
		const chosen =
			names.length === 0
				? Properties
				: Object.fromEntries(
						names.flatMap((name) =>
							Properties[name] === undefined ? [] : [[name, Properties[name]]],
						),
					);
		decisions[`${Type} ${id}`] = readable(chosen);
	}
	return decisions;
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

/** The lean stack in full, and of each other one what is not the same there; null for what it has not. */
function snapshot(): Readonly<Record<string, Decisions>> {
	const lean = decisionsOf("lean");
	const others = (Object.keys(VARIANTS) as Variant[]).filter(
		(variant) => variant !== "lean",
	);
	return {
		lean,
		...Object.fromEntries(
			others.map((variant) => [
				variant,
				difference(lean, decisionsOf(variant)),
			]),
		),
	};
}

function difference(from: Decisions, to: Decisions): Decisions {
	const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
	return Object.fromEntries(
		names
			.filter((name) => JSON.stringify(from[name]) !== JSON.stringify(to[name]))
			.map((name) => [name, to[name] ?? null]),
	);
}

describe("what decides who may do what", () => {
	it("is what has been reviewed; `make stack-security` writes it anew", function () {
		this.timeout(240_000);
		const current = snapshot();
		if (process.env.THINGHZ_RENEW === "1") {
			writeFileSync(FILE, `${print(current)}\n`);
		}
		assert.deepEqual(current, JSON.parse(readFileSync(FILE, "utf8")));
	});
});
