/** Alerts: the schedule that judges what no block tells, and the function that delivers what is to be said. */
import { Duration, Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
	FilterCriteria,
	FilterRule,
	StartingPosition,
} from "aws-cdk-lib/aws-lambda";
import {
	DynamoEventSource,
	SqsDlq,
} from "aws-cdk-lib/aws-lambda-event-sources";
import { CfnSchedule } from "aws-cdk-lib/aws-scheduler";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { type Environment, writeEnvironment } from "../environment.ts";
import { STACK_NAME } from "../names.ts";
import { OUTBOX_ATTRIBUTE } from "../tables.ts";
import { BundledFunction, type FunctionDefaults } from "./function.ts";
import { acknowledgeListStreams } from "./stream.ts";
import type { Tables } from "./tables.ts";
import { acknowledgeWildcard } from "./wildcard.ts";

export interface AlertsProps extends FunctionDefaults {
	readonly tables: Tables;
	readonly retentionDays: number;
	/** Address of the page, without a slash at the end: what people are told links there. */
	readonly pageUrl: string;
	/** SNS platform applications by platform. */
	readonly platformApplications: Readonly<Record<string, string>>;
	readonly deadLetters: Queue;
	readonly traced: boolean;
}

export class Alerts extends Construct {
	readonly schedule: BundledFunction;
	readonly notify: BundledFunction;
	/** What a function has to know to tell people. */
	readonly telling: Pick<
		Environment<"notify">,
		"pageUrl" | "emailTopicPrefix" | "platformApplications" | "webhookSecretArn"
	>;
	readonly #webhookSecret: Secret;
	readonly #emailTopicPrefix: string;

	constructor(scope: Construct, id: string, props: AlertsProps) {
		super(scope, id);
		const { tables, deadLetters } = props;
		// A topic an address, which the functions make as rules name them.
		const emailTopicPrefix = Stack.of(this).formatArn({
			service: "sns",
			resource: `${STACK_NAME}-mail-`,
		});
		const webhookSecret = new Secret(this, "WebhookSecret", {
			secretName: `${STACK_NAME}/webhooks`,
			description: "What webhooks are signed with: who receives them knows it",
			generateSecretString: { passwordLength: 64, excludePunctuation: true },
		});
		Validations.of(webhookSecret).acknowledge({
			id: "AwsSolutions-SMG4",
			reason:
				"Whoever receives webhooks has it, and would refuse them once it had been rotated alone.",
		});
		this.#webhookSecret = webhookSecret;
		this.#emailTopicPrefix = emailTopicPrefix;
		this.telling = {
			pageUrl: props.pageUrl,
			emailTopicPrefix,
			platformApplications: props.platformApplications,
			webhookSecretArn: webhookSecret.secretArn,
		};

		this.schedule = new BundledFunction(this, "Schedule", {
			bundleDir: props.bundleDir,
			logDays: props.logDays,
			name: "schedule",
			about:
				"Judges what no block tells, delivers what is due, and counts rollups anew",
			environment: writeEnvironment("schedule", {
				...this.telling,
				blocksTable: tables.blocks.table.tableName,
				recordsTable: tables.records.table.tableName,
				retentionDays: props.retentionDays,
			}),
			// Less than the minute after which the next begins.
			timeoutS: 55,
			memoryMb: 512,
			traced: props.traced,
		});
		tables.blocks.allow(this.schedule.role, "write");
		tables.records.allow(this.schedule.role, "write");
		everyMinute(this, this.schedule, deadLetters);

		this.notify = new BundledFunction(this, "Notify", {
			bundleDir: props.bundleDir,
			logDays: props.logDays,
			name: "notify",
			about: "Tells people of alerts as they fire and resolve",
			environment: writeEnvironment("notify", {
				...this.telling,
				recordsTable: tables.records.table.tableName,
			}),
			timeoutS: 60,
			memoryMb: 256,
			traced: props.traced,
		});
		tables.records.allow(this.notify.role, "write");
		this.notify.lambda.addEventSource(
			new DynamoEventSource(tables.records.stream, {
				startingPosition: StartingPosition.TRIM_HORIZON,
				batchSize: 10,
				reportBatchItemFailures: true,
				bisectBatchOnError: true,
				// The schedule delivers what is left.
				retryAttempts: 3,
				maxRecordAge: Duration.hours(1),
				onFailure: new SqsDlq(deadLetters),
				filters: [
					FilterCriteria.filter({
						dynamodb: {
							NewImage: { [OUTBOX_ATTRIBUTE]: { S: FilterRule.isEqual("1") } },
						},
					}),
				],
			}),
		);
		acknowledgeListStreams(this.notify.role);
		for (const { role } of [this.schedule, this.notify]) this.allowToTell(role);
	}

	/** Lets a function tell people. */
	allowToTell(role: Role): void {
		this.#webhookSecret.grantRead(role);
		allowMail(role, this.#emailTopicPrefix);
		allowPush(role, Object.values(this.telling.platformApplications));
	}
}

/** EventBridge Scheduler: 43,200 calls a month of its 14 million that are free. */
function everyMinute(
	scope: Construct,
	called: BundledFunction,
	deadLetters: Queue,
): void {
	const role = new Role(scope, "SchedulerRole", {
		assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
			conditions: {
				StringEquals: { "aws:SourceAccount": Stack.of(scope).account },
			},
		}),
		description: "Lets the schedule call its function",
	});
	role.addToPolicy(
		new PolicyStatement({
			actions: ["lambda:InvokeFunction"],
			resources: [called.lambda.functionArn],
		}),
	);
	role.addToPolicy(
		new PolicyStatement({
			actions: ["sqs:SendMessage"],
			resources: [deadLetters.queueArn],
		}),
	);
	const schedule = new CfnSchedule(scope, "EveryMinute", {
		name: `${STACK_NAME}-every-minute`,
		description: "Alerts and rollups",
		scheduleExpression: "rate(1 minute)",
		flexibleTimeWindow: { mode: "OFF" },
		state: "ENABLED",
		target: {
			arn: called.lambda.functionArn,
			roleArn: role.roleArn,
			// The next one does what this one could not.
			retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
			deadLetterConfig: { arn: deadLetters.queueArn },
		},
	});
	schedule.node.addDependency(role);
}

/** A topic an address, to which its owner has confirmed to be subscribed. */
function allowMail(role: Role, topicPrefix: string): void {
	role.addToPolicy(
		new PolicyStatement({
			actions: [
				"sns:CreateTopic",
				"sns:GetTopicAttributes",
				"sns:Publish",
				"sns:Subscribe",
			],
			resources: [`${topicPrefix}*`],
		}),
	);
	acknowledgeWildcard(
		role,
		`${topicPrefix}*`,
		"Topics for the addresses that alert rules name, which nobody knows before.",
	);
}

function allowPush(role: Role, platformApplications: readonly string[]): void {
	for (const application of platformApplications) {
		const endpoints = application.replace(":app/", ":endpoint/");
		role.addToPolicy(
			new PolicyStatement({
				actions: ["sns:CreatePlatformEndpoint"],
				resources: [application],
			}),
		);
		role.addToPolicy(
			new PolicyStatement({
				actions: [
					"sns:DeleteEndpoint",
					"sns:GetEndpointAttributes",
					"sns:Publish",
					"sns:SetEndpointAttributes",
				],
				resources: [`${endpoints}/*`],
			}),
		);
		acknowledgeWildcard(
			role,
			`${endpoints}/*`,
			"The telephones of one platform application, whose ids SNS makes as they subscribe.",
		);
	}
}
