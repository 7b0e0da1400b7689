/**
 * Rows for SQL and Grafana: the stream of the blocks table → function → Timestream or InfluxDB. It is no part of ingest, so
 * a database that fails stops nothing; what it could not take for a day is in a queue of its own, and in the blocks.
 */
import { Duration, Validations } from "aws-cdk-lib";
import { type IMetric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import {
	FilterCriteria,
	FilterRule,
	StartingPosition,
} from "aws-cdk-lib/aws-lambda";
import {
	DynamoEventSource,
	SqsDlq,
} from "aws-cdk-lib/aws-lambda-event-sources";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { writeEnvironment } from "../environment.ts";
import { ROWS_REFUSED, STACK_NAME } from "../names.ts";
import { BINDING_PREFIX, BLOCK_PREFIXES } from "../tables.ts";
import type { Context } from "./context.ts";
import { BundledFunction, type FunctionDefaults } from "./function.ts";
import { InfluxDb } from "./influxdb.ts";
import { deadLetterQueue } from "./queues.ts";
import { acknowledgeListStreams } from "./stream.ts";
import type { Tables } from "./tables.ts";
import { Timestream } from "./timestream.ts";

export interface RowsProps extends FunctionDefaults {
	readonly tables: Tables;
	readonly retentionDays: number;
	readonly timeseries: Exclude<Context["timeseries"], { store: "none" }>;
	readonly traced: boolean;
}

export class Rows extends Construct {
	readonly function: BundledFunction;
	readonly deadLetters: Queue;
	/** Blocks of which the database took some rows never. */
	readonly refused: IMetric;
	/** The one that was chosen; the other is undefined. */
	readonly timestream: Timestream | undefined;
	readonly influxDb: InfluxDb | undefined;

	constructor(scope: Construct, id: string, props: RowsProps) {
		super(scope, id);
		const { tables, timeseries } = props;
		if (timeseries.store === "timestream") {
			this.timestream = new Timestream(this, "Timestream", timeseries);
		} else {
			this.influxDb = new InfluxDb(this, "InfluxDb", timeseries);
		}
		this.function = new BundledFunction(this, "Function", {
			bundleDir: props.bundleDir,
			logDays: props.logDays,
			name: "rows",
			about: "Writes rows of blocks to the database of rows",
			environment: {
				...writeEnvironment("rows", {
					blocksTable: tables.blocks.table.tableName,
					retentionDays: props.retentionDays,
					rowStore: timeseries.store,
				}),
				...this.#storeEnvironment(),
			},
			timeoutS: 60,
			memoryMb: 512,
			traced: props.traced,
			...(this.influxDb === undefined
				? {}
				: {
						network: {
							vpc: this.influxDb.vpc,
							// The zone that has the endpoint of Secrets Manager.
							subnets: {
								subnets: this.influxDb.vpc.isolatedSubnets.slice(0, 1),
							},
							securityGroup: this.influxDb.clients,
						},
					}),
		});
		tables.blocks.allow(this.function.role, "read");
		this.timestream?.allowWriting(this.function.role);
		this.influxDb?.allowReadingSecret(this.function.role);

		this.deadLetters = deadLetterQueue(
			this,
			"DeadLetters",
			"rows-dead-letters",
		);
		Validations.of(this.deadLetters).acknowledge({
			id: "AwsSolutions-SQS3",
			reason: "It is where dead letters end; an alarm watches it.",
		});
		this.function.lambda.addEventSource(
			new DynamoEventSource(tables.blocks.stream, {
				startingPosition: StartingPosition.TRIM_HORIZON,
				batchSize: 100,
				maxBatchingWindow: Duration.seconds(20),
				reportBatchItemFailures: true,
				bisectBatchOnError: true,
				// As long as the stream keeps them.
				maxRecordAge: Duration.hours(24),
				onFailure: new SqsDlq(this.deadLetters),
				filters: [...Object.values(BLOCK_PREFIXES), BINDING_PREFIX].map(
					(prefix) =>
						FilterCriteria.filter({
							eventName: FilterRule.isEqual("INSERT"),
							dynamodb: { Keys: { s: { S: FilterRule.beginsWith(prefix) } } },
						}),
				),
			}),
		);
		acknowledgeListStreams(this.function.role);
		// They come from the log and not through a queue: within InfluxDB's network, a way to SQS is $7.30 a month more. Which
		// blocks they are stands in the log, and the blocks are kept.
		this.refused = new MetricFilter(this, "Refused", {
			logGroup: this.function.logGroup,
			metricNamespace: STACK_NAME,
			metricName: "RowsRefused",
			filterPattern: FilterPattern.stringValue(
				"$.message.event",
				"=",
				ROWS_REFUSED,
			),
		}).metric({ statistic: Stats.SUM, period: Duration.minutes(5) });
	}

	#storeEnvironment(): Record<string, string> {
		if (this.timestream !== undefined) {
			return writeEnvironment("rowsTimestream", {
				timestreamDatabase: this.timestream.databaseName,
				timestreamTable: this.timestream.tableName,
			});
		}
		if (this.influxDb !== undefined) {
			return writeEnvironment("rowsInfluxdb", {
				influxUrl: this.influxDb.url,
				influxDatabase: this.influxDb.database,
				influxSecretArn: this.influxDb.secret.secretArn,
			});
		}
		return {};
	}
}
