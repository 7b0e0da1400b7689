import assert from "node:assert/strict";
import { Runtime, RuntimeFamily } from "aws-cdk-lib/aws-lambda";
import { AwsSolutionsChecks } from "cdk-nag";
import type { IConstruct } from "constructs";
import { ROLES } from "../../core/people.ts";
import { PAGE_HEADERS } from "../../local/static-files.ts";
import { MAX_FLIGHT_MS } from "../adapters/dynamodb/rollup-marks.ts";
import { type EnvironmentReader, readEnvironment } from "../environment.ts";
import {
	BLOCKS_RULE,
	BLOCKS_RULE_SQL,
	EVENTS_RULE,
	EVENTS_RULE_SQL,
	JOB_EXECUTIONS_RULE,
	JOB_EXECUTIONS_RULE_SQL,
	PRESENCE_RULE,
	PRESENCE_RULE_SQL,
} from "../messages.ts";
import { CLAIM_POLICY, OUTPUTS, READ_SCOPE, THING_POLICIES } from "../names.ts";
import { TABLES } from "../tables.ts";
import { readable } from "./fakes/readable.ts";
import {
	checkedSynthesis,
	type TemplateResource,
	VARIANTS,
	type Variant,
} from "./fakes/synthesized.ts";
import { RUNTIME } from "./function.ts";

/** What stands for what CloudFormation knows at deployment only. */
const PSEUDO: Readonly<Record<string, string>> = {
	AccountId: "111122223333",
	Partition: "aws",
	Region: "eu-west-1",
	URLSuffix: "amazonaws.com",
};

const EVERY = Object.keys(VARIANTS) as Variant[];

interface Found {
	readonly id: string;
	readonly properties: Readonly<Record<string, unknown>>;
	readonly resource: TemplateResource;
}

/** The resources of a type, their intrinsic functions as text. */
function find(variant: Variant, type: string): readonly Found[] {
	return Object.entries(checkedSynthesis(variant).template.Resources)
		.filter(([, { Type }]) => Type === type)
		.map(([id, resource]) => ({
			id,
			resource,
			properties: readable(resource.Properties ?? {}) as Found["properties"],
		}));
}

/** A member deep inside: `at(rule, "TopicRulePayload.Sql")`. */
function at(value: unknown, path: string): unknown {
	return path
		.split(".")
		.reduce<unknown>(
			(inner, key) => (inner as Record<string, unknown> | undefined)?.[key],
			value,
		);
}

/** Functions of ours: not the one by which CDK puts the page's files into their bucket. */
function functions(variant: Variant): readonly Found[] {
	return find(variant, "AWS::Lambda::Function").filter(
		({ id }) => !id.startsWith("CustomCDKBucketDeployment"),
	);
}

interface Statement {
	readonly Effect: string;
	readonly Action: string | string[];
	readonly Resource: string | string[];
}

/** What IAM roles are allowed, by the name of the policy. */
function* allowed(variant: Variant) {
	for (const { id, properties } of find(variant, "AWS::IAM::Policy")) {
		const statements = at(
			properties,
			"PolicyDocument.Statement",
		) as Statement[];
		for (const statement of statements) {
			assert.equal(statement.Effect, "Allow");
			yield {
				id,
				actions: [statement.Action].flat(),
				resources: [statement.Resource].flat(),
			};
		}
	}
}

interface Acknowledged {
	readonly finding: string;
	readonly reason: string;
	readonly path: string;
}

/** What cdk-nag finds when nothing is acknowledged. */
function allFindings(root: IConstruct) {
	const checks = new AwsSolutionsChecks();
	assert.ok("isAcknowledged" in checks);
	Reflect.set(checks, "isAcknowledged", () => false);
	const found = checks.validateScope(root).violations;
	assert.ok(found.length > 0);
	return found;
}

function acknowledgements(root: IConstruct): readonly Acknowledged[] {
	return root.node.findAll().flatMap(({ node }) =>
		node.metadata
			.filter(({ type }) => type === "aws:cdk:acknowledged-rules")
			.flatMap(({ data }) =>
				Object.entries(data as Record<string, string>).map(([id, reason]) => ({
					finding: id.slice(id.indexOf("::") + 2),
					reason,
					path: node.path,
				})),
			)
			// CDK acknowledges some of what CloudFormation's validation says of its own constructs.
			.filter(
				({ finding }) =>
					finding.startsWith("AwsSolutions-") || finding === "W3697",
			),
	);
}

describe("the stack on AWS", function () {
	this.timeout(240_000);

	before("is synthesized in each variant", () => {
		for (const variant of EVERY) checkedSynthesis(variant);
	});

	describe("is checked by cdk-nag and CloudFormation's validation", () => {
		it("without a finding or a warning that is not acknowledged", () => {
			for (const variant of EVERY) {
				assert.deepEqual(checkedSynthesis(variant).violations, [], variant);
			}
		});

		it("and acknowledges nothing that is not found", () => {
			const needed = new Set<string>();
			const given = new Map<string, Acknowledged>();
			for (const variant of EVERY) {
				const { app } = checkedSynthesis(variant);
				const found = allFindings(app);
				for (const one of acknowledgements(app)) {
					const key = `${one.path} ${one.finding}`;
					given.set(key, one);
					// CloudFormation's own validation is none of cdk-nag's.
					const applies =
						one.finding.startsWith("W") ||
						found.some(
							({ ruleName, violatingResources }) =>
								ruleName === one.finding &&
								violatingResources.some(({ constructPath }) =>
									`${constructPath}/`.startsWith(`${one.path}/`),
								),
						);
					if (applies) needed.add(key);
				}
			}
			assert.deepEqual(
				[...given.keys()].filter((key) => !needed.has(key)),
				[],
			);
		});

		it("with a sentence for each acknowledgement, at a resource and not at the stack", () => {
			for (const variant of EVERY) {
				for (const one of acknowledgements(checkedSynthesis(variant).app)) {
					assert.match(one.reason, /^.{20,}\.$/s, one.finding);
					assert.ok(one.path.split("/").length >= 2, one.path);
				}
			}
		});
	});

	it("stays well below CloudFormation's limits of 500 resources and 1 MB", () => {
		for (const variant of EVERY) {
			const { template, templateBytes } = checkedSynthesis(variant);
			assert.ok(Object.keys(template.Resources).length < 250);
			assert.ok(templateBytes < 500_000);
		}
	});

	it("says what the command asks for", () => {
		const outputs = (variant: Variant) =>
			Object.keys(checkedSynthesis(variant).template.Outputs);
		const some = new Set(EVERY.flatMap(outputs));
		for (const name of Object.values(OUTPUTS)) assert.ok(some.has(name), name);
		assert.ok(!outputs("lean").includes(OUTPUTS.timestreamTable));
		assert.ok(!outputs("lean").includes(OUTPUTS.influxEndpoint));
		assert.ok(!outputs("lean").includes(OUTPUTS.grafanaUrl));
	});

	describe("functions", () => {
		it("end before anybody may clear a mark of a rollup that they rely on", () => {
			// Clocks of functions differ by less than half a minute.
			const longestS = MAX_FLIGHT_MS / 1000 - 30;
			for (const variant of EVERY) {
				for (const { id, properties } of functions(variant)) {
					assert.ok(Number(properties.Timeout) <= longestS, id);
				}
			}
		});

		it("have the newest runtime that CDK knows", () => {
			const newest = Runtime.ALL.filter(
				({ family, isVariable }) =>
					family === RuntimeFamily.NODEJS && isVariable !== true,
			)
				.map(({ name }) => Number(/\d+/.exec(name)?.[0] ?? 0))
				.reduce((a, b) => Math.max(a, b));
			assert.equal(RUNTIME.name, `nodejs${newest}.x`);
			for (const variant of EVERY) {
				for (const { id, properties } of functions(variant)) {
					assert.equal(properties.Runtime, RUNTIME.name, id);
				}
			}
		});

		it("run on arm64 and log JSON into a group of their own, for so long", () => {
			for (const variant of EVERY) {
				const groups = new Map(
					find(variant, "AWS::Logs::LogGroup").map(({ id, properties }) => [
						`\${${id}}`,
						properties.RetentionInDays,
					]),
				);
				const used = functions(variant).map(({ id, properties }) => {
					assert.deepEqual(properties.Architectures, ["arm64"], id);
					assert.equal(at(properties, "LoggingConfig.LogFormat"), "JSON", id);
					const group = at(properties, "LoggingConfig.LogGroup") as string;
					assert.equal(groups.get(group), 30, id);
					return group;
				});
				assert.equal(new Set(used).size, used.length);
			}
		});

		it("are given the variables that they read", () => {
			const readers: EnvironmentReader[] = [
				"api",
				"ingest",
				"notify",
				"presence",
				"provisioning-hook",
				"schedule",
			];
			for (const variant of EVERY) {
				const environments = new Map(
					functions(variant).map(({ properties }) => [
						String(properties.FunctionName).replace("thinghz-", ""),
						environmentOf(properties),
					]),
				);
				for (const reader of readers) {
					readEnvironment(reader, environments.get(reader) ?? {});
				}
				const rows = environments.get("rows");
				assert.equal(
					rows === undefined,
					variant === "lean" || variant === "grafana",
				);
				if (rows === undefined) continue;
				readEnvironment("rows", rows);
				readEnvironment(
					variant === "timestream" ? "rowsTimestream" : "rowsInfluxdb",
					rows,
				);
			}
		});

		it("send traces as the context says", () => {
			const traced = (variant: Variant) =>
				functions(variant)
					.filter(
						({ properties }) =>
							at(properties, "TracingConfig.Mode") === "Active",
					)
					.map(({ properties }) => properties.FunctionName);
			assert.deepEqual(traced("lean"), ["thinghz-api"]);
			assert.equal(traced("timestream").length, 7);
			assert.deepEqual(traced("influxdb"), []);
		});

		/** As the function sees it: what only a deployment knows, with something of its kind in its place. */
		function environmentOf(
			properties: Found["properties"],
		): Record<string, string> {
			const variables = at(properties, "Environment.Variables") as Record<
				string,
				string
			>;
			return Object.fromEntries(
				Object.entries(variables).map(([name, text]) => [
					name,
					text
						.replaceAll(
							/\$\{AWS::(\w+)\}/g,
							(_, pseudo) => PSEUDO[pseudo] ?? "",
						)
						.replaceAll(/^\$\{(\w+)(\.Arn)?\}$/g, (_, id, isArn) =>
							isArn === undefined && !name.endsWith("_ARN")
								? id
								: `arn:aws:service:eu-west-1:111122223333:${id}`,
						)
						.replaceAll(/\$\{(\w+)(\.\w+)?\}/g, "$1"),
				]),
			);
		}
	});

	describe("queues", () => {
		it("are encrypted and reached over TLS alone", () => {
			for (const variant of EVERY) {
				const guarded = find(variant, "AWS::SQS::QueuePolicy").flatMap(
					({ properties }) => properties.Queues as string[],
				);
				for (const { id, properties } of find(variant, "AWS::SQS::Queue")) {
					assert.equal(properties.SqsManagedSseEnabled, true, id);
					assert.ok(guarded.includes(`\${${id}}`), id);
				}
			}
		});

		it("have an alarm for rows that a database refuses, by what the function logs", () => {
			for (const variant of ["timestream", "influxdb"] as const) {
				const [filter, ...others] = find(variant, "AWS::Logs::MetricFilter");
				assert.deepEqual(others, []);
				assert.equal(
					filter?.properties.FilterPattern,
					'{ $.message.event = "rows_refused" }',
				);
				const alarm = find(variant, "AWS::CloudWatch::Alarm").find(
					({ properties }) => properties.AlarmName === "thinghz-RowsRefused",
				);
				assert.equal(alarm?.properties.MetricName, "RowsRefused");
				assert.equal(alarm?.properties.Namespace, "thinghz");
			}
			assert.deepEqual(find("lean", "AWS::Logs::MetricFilter"), []);
		});

		it("have dead letters that an alarm watches", () => {
			for (const variant of EVERY) {
				const watched = find(variant, "AWS::CloudWatch::Alarm")
					.filter(
						({ properties }) =>
							properties.MetricName === "ApproximateNumberOfMessagesVisible",
					)
					.map(({ properties }) => at(properties, "Dimensions.0.Value"));
				for (const { id, properties } of find(variant, "AWS::SQS::Queue")) {
					const target = at(properties, "RedrivePolicy.deadLetterTargetArn");
					const deadLetters =
						target === undefined
							? id
							: String(target).slice(2, -".Arn}".length);
					assert.ok(watched.includes(`\${${deadLetters}.QueueName}`), id);
				}
			}
		});

		it("hide a message for six times as long as the function that takes it may run, and report each failure", () => {
			for (const variant of EVERY) {
				const queues = new Map(
					find(variant, "AWS::SQS::Queue").map((one) => [
						`\${${one.id}.Arn}`,
						one.properties,
					]),
				);
				const timeouts = new Map(
					functions(variant).map((one) => [
						`\${${one.id}}`,
						Number(one.properties.Timeout),
					]),
				);
				const mappings = find(variant, "AWS::Lambda::EventSourceMapping");
				for (const { id, properties } of mappings) {
					assert.deepEqual(
						properties.FunctionResponseTypes,
						["ReportBatchItemFailures"],
						id,
					);
					const queue = queues.get(String(properties.EventSourceArn));
					if (queue === undefined) {
						// A stream's.
						assert.ok(at(properties, "DestinationConfig.OnFailure"), id);
						assert.equal(properties.BisectBatchOnFunctionError, true, id);
						continue;
					}
					const timeoutS = timeouts.get(String(properties.FunctionName)) ?? 0;
					assert.ok(timeoutS > 0);
					assert.ok(
						Number(queue.VisibilityTimeout) >=
							6 * timeoutS + Number(properties.MaximumBatchingWindowInSeconds),
						id,
					);
				}
			}
		});
	});

	describe("rules", () => {
		it("are the ones that functions expect, and keep what they cannot deliver", () => {
			const sql = {
				[BLOCKS_RULE]: BLOCKS_RULE_SQL,
				[EVENTS_RULE]: EVENTS_RULE_SQL,
				[JOB_EXECUTIONS_RULE]: JOB_EXECUTIONS_RULE_SQL,
				[PRESENCE_RULE]: PRESENCE_RULE_SQL,
			};
			for (const variant of EVERY) {
				const rules = find(variant, "AWS::IoT::TopicRule");
				assert.deepEqual(
					Object.fromEntries(
						rules.map(({ properties }) => [
							properties.RuleName,
							at(properties, "TopicRulePayload.Sql"),
						]),
					),
					sql,
				);
				for (const { id, properties } of rules) {
					const payload = properties.TopicRulePayload;
					assert.equal(at(payload, "RuleDisabled"), false, id);
					const target = at(payload, "Actions.0.Sqs.QueueUrl");
					const failed = at(payload, "ErrorAction.Sqs.QueueUrl");
					assert.ok(failed !== undefined && failed !== target, id);
				}
			}
		});
	});

	describe("roles", () => {
		/** Actions that AWS can limit to no resource, and why each is needed. */
		const EVERYTHING: Readonly<Record<string, string>> = {
			"cloudfront:CreateInvalidation": "the page's files, by CDK",
			"cloudfront:GetInvalidation": "the page's files, by CDK",
			"cloudwatch:DescribeAlarms": "Grafana reads metrics",
			"cloudwatch:DescribeAlarmsForMetric": "Grafana reads metrics",
			"cloudwatch:GetMetricData": "Grafana reads metrics",
			"cloudwatch:ListMetrics": "Grafana reads metrics",
			"dynamodb:ListStreams": "Lambda reads streams",
			"ec2:AssignPrivateIpAddresses": "a function in a network",
			"ec2:CreateNetworkInterface": "a function in a network",
			"ec2:DeleteNetworkInterface": "a function in a network",
			"ec2:DescribeNetworkInterfaces": "a function in a network",
			"ec2:DescribeSubnets": "a function in a network",
			"ec2:UnassignPrivateIpAddresses": "a function in a network",
			"iot:ListJobs": "jobs are listed",
			"iot:ListThingGroups": "groups that were made for a job are found",
			"iot:RegisterThing": "fleet provisioning",
			"timestream:CancelQuery": "Grafana reads rows",
			"timestream:DescribeEndpoints": "the client finds its cell",
			"timestream:ListDatabases": "Grafana reads rows",
			"timestream:SelectValues": "Grafana reads rows",
			"xray:PutTelemetryRecords": "traces",
			"xray:PutTraceSegments": "traces",
		};

		it("may do nothing to every resource but what can be limited to none", () => {
			for (const variant of EVERY) {
				for (const { id, actions, resources } of allowed(variant)) {
					if (!resources.includes("*")) continue;
					for (const action of actions) {
						assert.ok(action in EVERYTHING, `${id}: ${action}`);
					}
				}
			}
		});

		it("have no action with a wildcard, but for CDK's own at deployment", () => {
			for (const variant of EVERY) {
				for (const { id, actions } of allowed(variant)) {
					if (id.startsWith("PageFilesRole")) continue;
					assert.deepEqual(
						actions.filter((action) => action.includes("*")),
						[],
						id,
					);
				}
			}
		});

		it("are services', and one service's each", () => {
			for (const variant of EVERY) {
				for (const { id, properties } of find(variant, "AWS::IAM::Role")) {
					const statements = at(
						properties,
						"AssumeRolePolicyDocument.Statement",
					) as { Principal: Record<string, string> }[];
					assert.equal(statements.length, 1, id);
					const [principal] = statements.map(({ Principal }) => Principal);
					assert.deepEqual(Object.keys(principal ?? {}), ["Service"], id);
				}
			}
		});

		it("may not scan a table", () => {
			for (const variant of EVERY) {
				for (const { actions } of allowed(variant)) {
					assert.ok(!actions.includes("dynamodb:Scan"));
				}
			}
		});

		it("let functions be called by those alone that call them", () => {
			for (const variant of EVERY) {
				for (const { id, properties } of find(
					variant,
					"AWS::Lambda::Permission",
				)) {
					assert.ok(properties.SourceArn !== undefined, id);
				}
			}
		});
	});

	describe("data", () => {
		it("rests in the two tables as they are defined, retained and with a way back to any second", () => {
			for (const variant of EVERY) {
				const tables = find(variant, "AWS::DynamoDB::Table");
				assert.deepEqual(
					tables.map(({ properties }) => properties.TableName).sort(),
					Object.keys(TABLES).map((name) => `thinghz-${name}`),
				);
				for (const { id, properties, resource } of tables) {
					assert.equal(resource.DeletionPolicy, "Retain", id);
					assert.equal(resource.UpdateReplacePolicy, "Retain", id);
					assert.equal(properties.BillingMode, "PAY_PER_REQUEST", id);
					assert.equal(
						at(
							properties,
							"PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
						),
						true,
						id,
					);
					assert.equal(
						properties.DeletionProtectionEnabled,
						variant !== "timestream",
						id,
					);
				}
				for (const [name, definition] of Object.entries(TABLES)) {
					const table = tables.find(
						({ properties }) => properties.TableName === `thinghz-${name}`,
					);
					const { properties = {} } = table ?? {};
					assert.deepEqual(properties.KeySchema, [
						{ AttributeName: definition.partitionKey.name, KeyType: "HASH" },
						{ AttributeName: definition.sortKey.name, KeyType: "RANGE" },
					]);
					assert.deepEqual(properties.TimeToLiveSpecification, {
						AttributeName: definition.ttlAttribute,
						Enabled: true,
					});
					assert.deepEqual(properties.StreamSpecification, {
						StreamViewType: definition.streamView,
					});
					assert.deepEqual(
						(properties.GlobalSecondaryIndexes as { IndexName: string }[]).map(
							({ IndexName }) => IndexName,
						),
						definition.indexes.map((index) => index.name),
					);
				}
			}
		});

		it("of every bucket is private, encrypted and reached over TLS alone", () => {
			for (const variant of EVERY) {
				const guarded = find(variant, "AWS::S3::BucketPolicy").map(
					({ properties }) => [properties.Bucket, JSON.stringify(properties)],
				);
				for (const { id, properties } of find(variant, "AWS::S3::Bucket")) {
					assert.deepEqual(
						properties.PublicAccessBlockConfiguration,
						{
							BlockPublicAcls: true,
							BlockPublicPolicy: true,
							IgnorePublicAcls: true,
							RestrictPublicBuckets: true,
						},
						id,
					);
					assert.ok(properties.BucketEncryption !== undefined, id);
					const [, policy] =
						guarded.find(([bucket]) => bucket === `\${${id}}`) ?? [];
					assert.match(String(policy), /aws:SecureTransport/, id);
				}
			}
		});

		it("of firmware is versioned, retained, read by AWS IoT and written by the API alone", () => {
			const [firmware] = find("lean", "AWS::S3::Bucket").filter(({ id }) =>
				id.startsWith("FirmwareBucket"),
			);
			assert.deepEqual(firmware?.properties.VersioningConfiguration, {
				Status: "Enabled",
			});
			assert.equal(firmware?.resource.DeletionPolicy, "Retain");
			const lenders = [...allowed("lean")].filter(({ resources }) =>
				resources.some((resource) => resource.includes(firmware?.id ?? "?")),
			);
			assert.deepEqual(
				lenders.map(({ actions }) => [...actions].sort().join(" ")).sort(),
				[
					"s3:DeleteObject s3:GetObject s3:PutObject",
					"s3:GetObject s3:GetObjectVersion",
					"s3:ListBucket",
				],
			);
		});
	});

	describe("people", () => {
		it("are let in by an administrator, with a strong password", () => {
			for (const variant of EVERY) {
				const [pool] = find(variant, "AWS::Cognito::UserPool");
				const { properties = {} } = pool ?? {};
				assert.equal(
					at(properties, "AdminCreateUserConfig.AllowAdminCreateUserOnly"),
					true,
				);
				assert.equal(
					at(properties, "Policies.PasswordPolicy.MinimumLength"),
					12,
				);
				assert.equal(
					properties.MfaConfiguration,
					variant === "influxdb" ? "ON" : "OPTIONAL",
				);
			}
		});

		it("have the roles of the core as groups, the most powerful first", () => {
			const groups = find("lean", "AWS::Cognito::UserPoolGroup").map(
				({ properties }) => [properties.Precedence, properties.GroupName],
			);
			assert.deepEqual(groups, [...ROLES.entries()]);
		});

		it("sign in by a code with PKCE, for no client of theirs has a secret", () => {
			for (const variant of EVERY) {
				const clients = find(variant, "AWS::Cognito::UserPoolClient").filter(
					({ properties }) => properties.ClientName !== "thinghz-reader",
				);
				assert.equal(clients.length, 2);
				for (const { id, properties } of clients) {
					assert.equal(properties.GenerateSecret, false, id);
					assert.deepEqual(properties.AllowedOAuthFlows, ["code"], id);
					assert.deepEqual(
						properties.ExplicitAuthFlows,
						["ALLOW_REFRESH_TOKEN_AUTH"],
						id,
					);
				}
			}
		});
	});

	describe("a program that only reads", () => {
		const readers = (variant: Variant) =>
			find(variant, "AWS::Cognito::UserPoolClient").filter(
				({ properties }) => properties.ClientName === "thinghz-reader",
			);

		it("has a client where Grafana asks the API, and there alone", () => {
			for (const variant of EVERY) {
				const isThere = variant === "grafana";
				assert.equal(readers(variant).length, isThere ? 1 : 0);
				assert.equal(
					find(variant, "AWS::Cognito::UserPoolResourceServer").length,
					isThere ? 1 : 0,
				);
				const { Outputs } = checkedSynthesis(variant).template;
				assert.equal(OUTPUTS.grafanaClientId in Outputs, isThere);
			}
		});

		it("gets tokens by its own secret, for reading and nothing else", () => {
			const [server] = find("grafana", "AWS::Cognito::UserPoolResourceServer");
			const [reader] = readers("grafana");
			const { properties = {} } = reader ?? {};
			assert.equal(properties.GenerateSecret, true);
			assert.deepEqual(properties.AllowedOAuthFlows, ["client_credentials"]);
			assert.deepEqual(properties.AllowedOAuthScopes, [
				`\${${server?.id}}/read`,
			]);
			assert.equal(server?.properties.Identifier, "thinghz");
			assert.equal(READ_SCOPE, "thinghz/read");
			// Else its secret would be good for asking as people, too.
			assert.deepEqual(properties.ExplicitAuthFlows, [
				"ALLOW_REFRESH_TOKEN_AUTH",
			]);
			assert.equal(properties.CallbackURLs, undefined);
		});

		it("has no secret of its client in the template", () => {
			const text = JSON.stringify(checkedSynthesis("grafana").template);
			assert.doesNotMatch(text, /ClientSecret/);
		});

		it("is let through to the function, which knows its client", () => {
			const [reader] = readers("grafana");
			const [authorizer] = find("grafana", "AWS::ApiGatewayV2::Authorizer");
			const audience = at(
				authorizer?.properties,
				"JwtConfiguration.Audience",
			) as string[];
			assert.equal(audience.length, 3);
			assert.ok(audience.includes(`\${${reader?.id}}`));
			const [api] = functions("grafana").filter(
				({ properties }) => properties.FunctionName === "thinghz-api",
			);
			assert.equal(
				at(api?.properties, "Environment.Variables.THINGHZ_READER_CLIENT_ID"),
				`\${${reader?.id}}`,
			);
		});
	});

	describe("the API", () => {
		it("has three routes that need nobody to be signed in", () => {
			for (const variant of EVERY) {
				const routes = find(variant, "AWS::ApiGatewayV2::Route");
				const open = routes
					.filter(({ properties }) => properties.AuthorizationType !== "JWT")
					.map(({ properties }) => properties.RouteKey);
				assert.deepEqual(open.sort(), [
					"ANY /v1/health",
					"ANY /v1/openapi.json",
					"ANY /v1/session",
				]);
				assert.equal(routes.length, 4);
			}
		});

		it("takes tokens of this pool, for its two clients", () => {
			const [authorizer] = find("lean", "AWS::ApiGatewayV2::Authorizer");
			const clients = find("lean", "AWS::Cognito::UserPoolClient");
			assert.deepEqual(
				(at(authorizer?.properties, "JwtConfiguration.Audience") as string[])
					.slice()
					.sort(),
				clients.map(({ id }) => `\${${id}}`).sort(),
			);
			const [pool] = find("lean", "AWS::Cognito::UserPool");
			assert.match(
				String(at(authorizer?.properties, "JwtConfiguration.Issuer")),
				new RegExp(`^https://cognito-idp\\..*/\\$\\{${pool?.id}\\}$`),
			);
		});

		it("is throttled, and logs who asked for what", () => {
			const [stage] = find("lean", "AWS::ApiGatewayV2::Stage");
			assert.equal(
				at(stage?.properties, "DefaultRouteSettings.ThrottlingRateLimit"),
				50,
			);
			const format = String(at(stage?.properties, "AccessLogSettings.Format"));
			assert.equal(JSON.parse(format).status, "$context.status");
			assert.doesNotMatch(format, /querystring|header/i);
		});
	});

	describe("the page", () => {
		const distribution = (variant: Variant) =>
			at(
				find(variant, "AWS::CloudFront::Distribution")[0]?.properties,
				"DistributionConfig",
			);

		it("has the headers that it has on one machine", () => {
			const [policy] = find("lean", "AWS::CloudFront::ResponseHeadersPolicy");
			const headers = at(
				policy?.properties,
				"ResponseHeadersPolicyConfig.SecurityHeadersConfig",
			);
			assert.equal(
				at(headers, "ContentSecurityPolicy.ContentSecurityPolicy"),
				PAGE_HEADERS["Content-Security-Policy"],
			);
			assert.equal(
				at(headers, "FrameOptions.FrameOption"),
				PAGE_HEADERS["X-Frame-Options"],
			);
			assert.equal(
				at(headers, "ReferrerPolicy.ReferrerPolicy"),
				PAGE_HEADERS["Referrer-Policy"],
			);
		});

		it("asks the API below its own address, never from a cache", () => {
			const [behaviour] = at(distribution("lean"), "CacheBehaviors") as {
				PathPattern: string;
				CachePolicyId: string;
				FunctionAssociations: { EventType: string }[];
			}[];
			assert.equal(behaviour?.PathPattern, "/v1/*");
			// Managed-CachingDisabled
			assert.equal(
				behaviour?.CachePolicyId,
				"4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
			);
			assert.equal(
				behaviour?.FunctionAssociations[0]?.EventType,
				"viewer-request",
			);
		});

		it("has a name of its own where one is given", () => {
			assert.equal(at(distribution("lean"), "Aliases"), undefined);
			assert.deepEqual(at(distribution("timestream"), "Aliases"), [
				VARIANTS.timestream.domainName,
			]);
			assert.equal(
				at(
					distribution("timestream"),
					"ViewerCertificate.MinimumProtocolVersion",
				),
				"TLSv1.2_2021",
			);
		});
	});

	describe("devices", () => {
		it("have the policies by the names that certificates are given", () => {
			const names = find("lean", "AWS::IoT::Policy").map(
				({ properties }) => properties.PolicyName,
			);
			assert.deepEqual(names.sort(), [...THING_POLICIES, CLAIM_POLICY].sort());
		});

		it("are provisioned after the hook has agreed, with all policies of a thing", () => {
			const [template] = find("lean", "AWS::IoT::ProvisioningTemplate");
			assert.ok(at(template?.properties, "PreProvisioningHook.TargetArn"));
			const body = JSON.parse(String(template?.properties.TemplateBody)) as {
				Resources: Record<
					string,
					{ Type: string; Properties: { PolicyName?: string } }
				>;
			};
			assert.deepEqual(
				Object.values(body.Resources)
					.filter(({ Type }) => Type === "AWS::IoT::Policy")
					.map(({ Properties }) => Properties.PolicyName),
				[...THING_POLICIES],
			);
		});

		it("are audited unless the context says that another stack does", () => {
			const audits = (variant: Variant) =>
				find(variant, "AWS::IoT::ScheduledAudit").length;
			assert.equal(audits("lean"), 1);
			assert.equal(audits("influxdb"), 0);
		});
	});

	describe("rows", () => {
		it("are in Timestream, late ones too, and what it refuses is kept", () => {
			const [table] = find("timestream", "AWS::Timestream::Table");
			assert.deepEqual(table?.properties.RetentionProperties, {
				MemoryStoreRetentionPeriodInHours: "24",
				MagneticStoreRetentionPeriodInDays: "92",
			});
			const magnetic = table?.properties.MagneticStoreWriteProperties;
			assert.equal(at(magnetic, "EnableMagneticStoreWrites"), true);
			assert.ok(
				at(
					magnetic,
					"MagneticStoreRejectedDataLocation.S3Configuration.BucketName",
				),
			);
		});

		it("are in an InfluxDB that nobody outside its network reaches, its password in a secret", () => {
			const [instance] = find("influxdb", "AWS::Timestream::InfluxDBInstance");
			assert.equal(instance?.properties.PubliclyAccessible, false);
			assert.match(
				String(instance?.properties.Password),
				/^\{\{resolve:secretsmanager:/,
			);
			assert.equal(instance?.resource.DeletionPolicy, "Retain");
			assert.deepEqual(find("influxdb", "AWS::EC2::NatGateway"), []);
			assert.deepEqual(find("influxdb", "AWS::EC2::InternetGateway"), []);
		});

		it("are made by a function that writes to neither table", () => {
			for (const variant of ["timestream", "influxdb"] as const) {
				for (const { id, actions, resources } of allowed(variant)) {
					if (!id.startsWith("RowsFunctionRole")) continue;
					if (!resources.some((one) => one.includes("Tables"))) continue;
					const changes = actions.filter((one) =>
						/:(Put|Update|Delete|Batch[WD])/.test(one),
					);
					assert.deepEqual(changes, []);
					assert.ok(!resources.some((one) => one.includes("Records")));
				}
			}
		});

		it("need a network for InfluxDB alone", () => {
			for (const variant of ["lean", "timestream"] as const) {
				assert.deepEqual(find(variant, "AWS::EC2::VPC"), []);
			}
			const inNetwork = functions("influxdb")
				.filter(({ properties }) => properties.VpcConfig !== undefined)
				.map(({ properties }) => properties.FunctionName);
			assert.deepEqual(inNetwork, ["thinghz-rows"]);
		});

		it("are read by Grafana where there is one", () => {
			assert.deepEqual(find("lean", "AWS::Grafana::Workspace"), []);
			const providers = (variant: Variant) =>
				find(variant, "AWS::Grafana::Workspace")[0]?.properties
					.AuthenticationProviders;
			assert.deepEqual(providers("timestream"), ["AWS_SSO"]);
			assert.deepEqual(providers("influxdb"), ["SAML"]);
		});
	});

	describe("costs", () => {
		it("has no gateway, key or capacity that is paid for by the hour", () => {
			for (const variant of EVERY) {
				for (const type of [
					"AWS::EC2::NatGateway",
					"AWS::KMS::Key",
					"AWS::ElasticLoadBalancingV2::LoadBalancer",
				]) {
					assert.deepEqual(find(variant, type), []);
				}
			}
		});

		it("has the ten alarms that are free, two more with a database of rows, and one dashboard", () => {
			for (const variant of EVERY) {
				const alarms = find(variant, "AWS::CloudWatch::Alarm");
				const hasRows = find(variant, "AWS::Logs::MetricFilter").length > 0;
				assert.equal(alarms.length, hasRows ? 12 : 10);
				for (const { properties } of alarms) {
					assert.equal((properties.AlarmActions as string[]).length, 1);
				}
				assert.equal(find(variant, "AWS::CloudWatch::Dashboard").length, 1);
			}
		});

		it("has alarms that may publish to the topic that they are to tell", () => {
			for (const variant of EVERY) {
				const topics = find(variant, "AWS::SNS::TopicPolicy").filter(
					({ properties }) =>
						(
							at(properties, "PolicyDocument.Statement") as {
								readonly Effect: string;
								readonly Action: string;
								readonly Principal: unknown;
							}[]
						).some(
							({ Effect, Action, Principal }) =>
								Effect === "Allow" &&
								Action === "sns:Publish" &&
								at(Principal, "Service") === "cloudwatch.amazonaws.com",
						),
				);
				const open = topics.flatMap(
					({ properties }) => properties.Topics as string[],
				);
				for (const { id, properties } of find(
					variant,
					"AWS::CloudWatch::Alarm",
				)) {
					for (const actions of ["AlarmActions", "OKActions"]) {
						const [topic = ""] = properties[actions] as string[];
						assert.ok(open.includes(topic), `${id}: ${actions}`);
					}
				}
			}
		});

		it("are watched by a budget where one is given", () => {
			assert.deepEqual(find("lean", "AWS::Budgets::Budget"), []);
			const [budget] = find("timestream", "AWS::Budgets::Budget");
			assert.equal(at(budget?.properties, "Budget.BudgetLimit.Amount"), 50);
		});
	});
});
