/**
 * What tells whether the stack is well: a dashboard, a few alarms, a budget. Each alarm costs $0.10 a month, so there is one
 * for each thing that somebody has to act on, and the dashboard, of which three are free, has the rest.
 */
import { Duration } from "aws-cdk-lib";
import type { HttpStage } from "aws-cdk-lib/aws-apigatewayv2";
import { CfnBudget } from "aws-cdk-lib/aws-budgets";
import {
	Alarm,
	AlarmStatusWidget,
	ComparisonOperator,
	Dashboard,
	GraphWidget,
	type IMetric,
	Metric,
	Stats,
	TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { Topic } from "aws-cdk-lib/aws-sns";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { BLOCKS_RULE, EVENTS_RULE, JOB_EXECUTIONS_RULE } from "../messages.ts";
import { STACK_NAME } from "../names.ts";
import type { BundledFunction } from "./function.ts";
import type { Tables } from "./tables.ts";

export interface OperationsProps {
	readonly topic: Topic;
	/** Where messages end that nobody could take, by what they are of. */
	readonly deadLetters: Readonly<Record<string, Queue>>;
	/** Blocks of which a database of rows took some never; null without one. */
	readonly rowsRefused: IMetric | null;
	readonly ingestQueue: Queue;
	readonly functions: readonly BundledFunction[];
	readonly tables: Tables;
	readonly apiStage: HttpStage;
	/** Null for none. */
	readonly budget: { readonly usd: number; readonly email: string } | null;
}

const PERIOD = Duration.minutes(5);

export class Operations extends Construct {
	readonly #alarms: Alarm[] = [];
	readonly #topic: Topic;

	constructor(scope: Construct, id: string, props: OperationsProps) {
		super(scope, id);
		this.#topic = props.topic;
		for (const [name, queue] of Object.entries(props.deadLetters)) {
			this.#alarm(`DeadLetters${name}`, {
				about: `There are dead letters of ${name}: docs/aws.md says what to do`,
				metric: queue.metricApproximateNumberOfMessagesVisible({
					period: PERIOD,
					statistic: Stats.MAXIMUM,
				}),
				atLeast: 1,
				periods: 1,
			});
		}
		if (props.rowsRefused !== null) {
			this.#alarm("RowsRefused", {
				about:
					"The database refuses rows; the log of thinghz-rows tells of which blocks, and why",
				metric: props.rowsRefused,
				atLeast: 1,
				periods: 1,
			});
		}
		this.#alarm("IngestLag", {
			about: "Blocks have been waiting for ten minutes and more",
			metric: props.ingestQueue.metricApproximateAgeOfOldestMessage({
				period: PERIOD,
				statistic: Stats.MAXIMUM,
			}),
			atLeast: 600,
			periods: 2,
		});
		// A rule whose error action fails as well has lost the message. Nothing else of ours can lose one: what those
		// of presence and jobs lose, the next connection tells, and AWS IoT itself, which keeps executions.
		for (const rule of [BLOCKS_RULE, EVENTS_RULE]) {
			this.#alarm(`Lost-${rule}`, {
				about: `The rule ${rule} could neither deliver a message nor keep it as a dead letter`,
				metric: iot("ErrorActionFailure", {
					RuleName: rule,
					ActionType: "SQS",
				}),
				atLeast: 1,
				periods: 1,
			});
		}
		this.#alarm("RefusedConnections", {
			about:
				"Devices are refused: a certificate is not known, or a policy forbids it",
			metric: iot("Connect.AuthError", { Protocol: "MQTT" }),
			atLeast: 20,
			periods: 3,
		});
		// Of all functions of the account and region: one alarm instead of one each, and throttling is for all of them in any case.
		this.#alarm("FunctionErrors", {
			about: "Functions fail; the dashboard tells which",
			metric: lambda("Errors"),
			atLeast: 5,
			periods: 3,
		});
		this.#alarm("FunctionThrottles", {
			about: "Functions are not started: the account's concurrency is used up",
			metric: lambda("Throttles"),
			atLeast: 1,
			periods: 3,
		});
		this.#alarm("BlocksThrottled", {
			about:
				"The table of blocks refuses writes: they are tried again, and late",
			metric: dynamo(
				"WriteThrottleEvents",
				props.tables.blocks.table.tableName,
			),
			atLeast: 1,
			periods: 3,
		});
		this.#alarm("ApiErrors", {
			about: "The API answers with 5xx",
			metric: props.apiStage.metricServerError({
				period: PERIOD,
				statistic: Stats.SUM,
			}),
			atLeast: 5,
			periods: 2,
		});
		this.#dashboard(props);
		if (props.budget !== null) budget(this, props.budget);
	}

	#alarm(
		id: string,
		options: {
			readonly about: string;
			readonly metric: IMetric;
			readonly atLeast: number;
			/** Of five minutes, one after the other. */
			readonly periods: number;
		},
	): void {
		const alarm = new Alarm(this, id, {
			alarmName: `${STACK_NAME}-${id}`,
			alarmDescription: options.about,
			metric: options.metric,
			threshold: options.atLeast,
			comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
			evaluationPeriods: options.periods,
			treatMissingData: TreatMissingData.NOT_BREACHING,
		});
		alarm.addAlarmAction(new SnsAction(this.#topic));
		alarm.addOkAction(new SnsAction(this.#topic));
		this.#alarms.push(alarm);
	}

	#dashboard(props: OperationsProps): void {
		const { tables, functions, deadLetters, ingestQueue, apiStage } = props;
		const width = 12;
		const graph = (title: string, left: IMetric[], right: IMetric[] = []) =>
			new GraphWidget({ title, left, right, width, period: PERIOD });
		const ofEach = (metric: (one: BundledFunction) => Metric) =>
			functions.map((one) =>
				metric(one).with({
					label: one.node.path.split("/").slice(1).join(" "),
				}),
			);
		new Dashboard(this, "Dashboard", {
			dashboardName: STACK_NAME,
			defaultInterval: Duration.hours(24),
			widgets: [
				[
					new AlarmStatusWidget({
						title: "Alarms",
						alarms: this.#alarms,
						width: 24,
						height: 3,
					}),
				],
				[
					graph(
						"Ingest: messages and the age of the oldest",
						[ingestQueue.metricNumberOfMessagesReceived()],
						[ingestQueue.metricApproximateAgeOfOldestMessage()],
					),
					graph(
						"Dead letters",
						Object.values(deadLetters).map((queue) =>
							queue.metricApproximateNumberOfMessagesVisible(),
						),
					),
				],
				[
					graph(
						"Functions: errors",
						ofEach(({ lambda }) => lambda.metricErrors()),
					),
					graph(
						"Functions: duration at the 95th percentile",
						ofEach(({ lambda }) =>
							lambda.metricDuration({ statistic: Stats.p(95) }),
						),
					),
				],
				[
					graph("Devices: connections", [
						iot("Connect.Success", { Protocol: "MQTT" }),
						iot("Connect.AuthError", { Protocol: "MQTT" }),
						iot("Connect.ClientError", { Protocol: "MQTT" }),
						iot("Connect.Throttle", { Protocol: "MQTT" }),
					]),
					graph("Rules: messages that matched", [
						iot("TopicMatch", { RuleName: BLOCKS_RULE }),
						iot("TopicMatch", { RuleName: EVENTS_RULE }),
						iot("TopicMatch", { RuleName: JOB_EXECUTIONS_RULE }),
					]),
				],
				[
					graph("Tables: units written", [
						dynamo("ConsumedWriteCapacityUnits", tables.blocks.table.tableName),
						dynamo(
							"ConsumedWriteCapacityUnits",
							tables.records.table.tableName,
						),
					]),
					graph(
						"API: requests and errors",
						[
							apiStage.metricCount(),
							apiStage.metricClientError(),
							apiStage.metricServerError(),
						],
						[apiStage.metricLatency({ statistic: Stats.p(95) })],
					),
				],
			],
		});
	}
}

/** https://docs.aws.amazon.com/iot/latest/developerguide/metrics_dimensions.html */
function iot(
	metricName: string,
	dimensionsMap: Record<string, string>,
): Metric {
	return new Metric({
		namespace: "AWS/IoT",
		metricName,
		dimensionsMap,
		statistic: Stats.SUM,
		period: PERIOD,
	});
}

/** Without a dimension: of all functions. */
function lambda(metricName: string): Metric {
	return new Metric({
		namespace: "AWS/Lambda",
		metricName,
		statistic: Stats.SUM,
		period: PERIOD,
	});
}

function dynamo(metricName: string, table: string): Metric {
	return new Metric({
		namespace: "AWS/DynamoDB",
		metricName,
		dimensionsMap: { TableName: table },
		statistic: Stats.SUM,
		period: PERIOD,
	});
}

/**
 * Of the whole account: costs can be told apart by tags only after somebody has activated them for billing, and until then
 * a budget by tag would never be reached. Two budgets an account are free.
 */
function budget(
	scope: Construct,
	{ usd, email }: { readonly usd: number; readonly email: string },
): void {
	const tell = (notificationType: string, threshold: number) => ({
		notification: {
			notificationType,
			comparisonOperator: "GREATER_THAN",
			threshold,
			thresholdType: "PERCENTAGE",
		},
		subscribers: [{ subscriptionType: "EMAIL", address: email }],
	});
	new CfnBudget(scope, "Budget", {
		budget: {
			budgetName: STACK_NAME,
			budgetType: "COST",
			timeUnit: "MONTHLY",
			budgetLimit: { amount: usd, unit: "USD" },
		},
		notificationsWithSubscribers: [
			tell("ACTUAL", 80),
			tell("ACTUAL", 100),
			tell("FORECASTED", 100),
		],
	});
}
