/**
 * Rows in Timestream for LiveAnalytics, for accounts that have it: it takes no new customers since 2025-06-20.
 * https://docs.aws.amazon.com/timestream/latest/developerguide/AmazonTimestreamForLiveAnalytics-availability-change.html
 */
import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { CfnDatabase, CfnTable } from "aws-cdk-lib/aws-timestream";
import { Construct } from "constructs";
import { STACK_NAME } from "../names.ts";
import { privateBucket } from "./private-bucket.ts";
import { acknowledgeWildcard } from "./wildcard.ts";

export interface TimestreamProps {
	/** How long rows stay in the memory store, hours; later ones go to the magnetic store at once. */
	readonly memoryHours: number;
	/** How long rows are kept, days. */
	readonly days: number;
}

export class Timestream extends Construct {
	readonly databaseName = STACK_NAME;
	readonly tableName = "readings";
	readonly tableArn: string;
	readonly databaseArn: string;
	readonly #rejected: IBucket;

	constructor(scope: Construct, id: string, props: TimestreamProps) {
		super(scope, id);
		// Without a key of ours it is encrypted with AWS's own, which costs nothing by the month.
		const database = new CfnDatabase(this, "Database", {
			databaseName: this.databaseName,
		});
		database.applyRemovalPolicy(RemovalPolicy.RETAIN);
		Validations.of(database).acknowledge({
			id: "AwsSolutions-TS3",
			reason:
				"For cost: a key of ours is $1 a month and charged by the request; AWS's own encrypts as well.",
		});
		this.#rejected = privateBucket(this, "Rejected", {
			retained: true,
			lifecycleRules: [{ id: "forget", expiration: Duration.days(90) }],
			accessLogs: {
				none: "It holds reports of refused rows for 90 days, which Timestream alone writes.",
			},
		});
		const table = new CfnTable(this, "Table", {
			databaseName: this.databaseName,
			tableName: this.tableName,
			retentionProperties: {
				MemoryStoreRetentionPeriodInHours: String(props.memoryHours),
				MagneticStoreRetentionPeriodInDays: String(props.days),
			},
			// A node that was offline for days brings rows that are older than the memory store.
			magneticStoreWriteProperties: {
				EnableMagneticStoreWrites: true,
				MagneticStoreRejectedDataLocation: {
					S3Configuration: {
						BucketName: this.#rejected.bucketName,
						EncryptionOption: "SSE_S3",
					},
				},
			},
		});
		table.applyRemovalPolicy(RemovalPolicy.RETAIN);
		for (const one of [database, table]) {
			Validations.of(one).acknowledge({
				id: "CloudFormation-Validate::W3697",
				reason:
					"For accounts that have it already; others choose InfluxDB, or no rows at all.",
			});
		}
		table.addResourceDependency(database);
		this.databaseArn = database.attrArn;
		this.tableArn = table.attrArn;
	}

	/** Reports of what the magnetic store refuses are written in the name of who wrote the rows. */
	allowWriting(role: Role): void {
		role.addToPolicy(
			new PolicyStatement({
				actions: ["timestream:WriteRecords"],
				resources: [this.tableArn],
			}),
		);
		role.addToPolicy(
			new PolicyStatement({
				actions: ["timestream:DescribeEndpoints"],
				resources: ["*"],
			}),
		);
		role.addToPolicy(
			new PolicyStatement({
				actions: ["s3:PutObject"],
				resources: [this.#rejected.arnForObjects("*")],
			}),
		);
		acknowledgeWildcard(
			role,
			this.#rejected.arnForObjects("*"),
			"Reports of this one bucket, which Timestream names.",
		);
	}

	allowReading(role: Role): void {
		role.addToPolicy(
			new PolicyStatement({
				actions: [
					"timestream:DescribeTable",
					"timestream:ListMeasures",
					"timestream:Select",
				],
				resources: [this.tableArn],
			}),
		);
		role.addToPolicy(
			new PolicyStatement({
				actions: ["timestream:DescribeDatabase", "timestream:ListTables"],
				resources: [this.databaseArn],
			}),
		);
		role.addToPolicy(
			new PolicyStatement({
				// https://docs.aws.amazon.com/timestream/latest/developerguide/security_iam_id-based-policy-examples.html: none of these has resources.
				actions: [
					"timestream:CancelQuery",
					"timestream:DescribeEndpoints",
					"timestream:ListDatabases",
					"timestream:SelectValues",
				],
				resources: ["*"],
			}),
		);
	}
}
