/** The stack: each capability is a construct of its own; this says which there are and what they know of each other. */
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { OUTPUTS, STACK_NAME } from "../names.ts";
import { alarmTopic } from "./alarm-topic.ts";
import { Alerts } from "./alerts.ts";
import { Api } from "./api.ts";
import type { Context } from "./context.ts";
import { DeviceAudit } from "./device-audit.ts";
import { Devices } from "./devices.ts";
import { Firmware } from "./firmware.ts";
import type { BundledFunction } from "./function.ts";
import { Grafana } from "./grafana.ts";
import { Ingest } from "./ingest.ts";
import { Operations } from "./operations.ts";
import { Page } from "./page.ts";
import { PageFiles } from "./page-files.ts";
import { People } from "./people.ts";
import { Presence } from "./presence.ts";
import { accessLogsBucket } from "./private-bucket.ts";
import { deadLetterQueue } from "./queues.ts";
import { Rows } from "./rows.ts";
import { Tables } from "./tables.ts";

export interface ThinghzStackProps {
	readonly context: Context;
	/** Folder of the functions' bundles, one folder each. */
	readonly bundleDir: string;
	/** Folder of the built page. */
	readonly webDir: string;
}

export class ThinghzStack extends Stack {
	constructor(scope: Construct, props: ThinghzStackProps) {
		const { context } = props;
		super(scope, STACK_NAME, {
			description: "thinghz: sensor nodes that never lose a reading",
			// A stack that is deleted by accident takes a fleet off the air, even though its data is retained.
			terminationProtection: context.protect,
			...environment(context),
		});
		const { retentionDays, logDays, protect } = context;
		const defaults = { bundleDir: props.bundleDir, logDays };
		const traced = context.xray === "all";

		const tables = new Tables(this, "Tables", { protect });
		const failures = deadLetterQueue(this, "Failures", "failures");
		const alarms = alarmTopic(this, "Alarms", context.alarmEmail);

		const devices = new Devices(this, "Devices", {
			...defaults,
			records: tables.records,
			traced,
		});
		if (context.audit) new DeviceAudit(this, "DeviceAudit", { alarms });
		const presence = new Presence(this, "Presence", {
			...defaults,
			records: tables.records,
			deadLetters: failures,
			traced,
		});
		const ingest = new Ingest(this, "Ingest", {
			...defaults,
			tables,
			retentionDays,
			concurrency: context.ingestConcurrency,
			traced,
			presence: presence.queue,
		});
		const firmware = new Firmware(this, "Firmware", {
			accessLogs: accessLogsBucket(this, "AccessLogs"),
		});

		const platformApplications = Object.fromEntries(
			Object.entries(context.push).flatMap(([platform, arn]) =>
				arn === null ? [] : [[platform, arn]],
			),
		);

		const people = new People(this, "People", context);
		const api = new Api(this, "Api", { rate: context.apiRate, logDays });
		const page = new Page(this, "Page", {
			apiHost: api.host,
			domain: context.domain,
			webAclArn: context.webAclArn,
		});
		const pageClient = people.addPageClient(page.url);
		// With rows beside the blocks, dashboards ask those.
		const reader =
			context.grafana !== null && context.timeseries.store === "none"
				? people.addReader()
				: undefined;
		const alerts = new Alerts(this, "Alerts", {
			...defaults,
			tables,
			retentionDays,
			pageUrl: page.url,
			platformApplications,
			deadLetters: failures,
			traced,
		});
		const answering = api.answerWith({
			...defaults,
			tables,
			retentionDays,
			people,
			pageClient,
			reader,
			alerts,
			firmware,
			ingest,
			traced: context.xray !== "none",
		});
		new PageFiles(this, "PageFiles", {
			webDir: props.webDir,
			page,
			logDays,
			configuration: {
				signInUrl: people.signInUrl,
				clientId: pageClient.userPoolClientId,
				// An HTTP API cannot stream.
				live: "poll",
			},
		});

		const rows =
			context.timeseries.store === "none"
				? undefined
				: new Rows(this, "Rows", {
						...defaults,
						tables,
						retentionDays,
						timeseries: context.timeseries,
						traced,
					});
		const grafana =
			context.grafana === null
				? undefined
				: new Grafana(this, "Grafana", { signIn: context.grafana, rows });

		const functions: BundledFunction[] = [
			ingest.function,
			presence.function,
			answering,
			alerts.schedule,
			alerts.notify,
			devices.hook,
		];
		if (rows !== undefined) functions.push(rows.function);
		new Operations(this, "Operations", {
			topic: alarms,
			deadLetters: {
				Ingest: ingest.deadLetters,
				Others: failures,
				...(rows === undefined ? {} : { Rows: rows.deadLetters }),
			},
			rowsRefused: rows?.refused ?? null,
			ingestQueue: ingest.queue,
			functions,
			tables,
			apiStage: api.stage,
			budget:
				context.budgetUsd === null || context.alarmEmail === null
					? null
					: { usd: context.budgetUsd, email: context.alarmEmail },
		});

		this.#output({
			pageUrl: page.url,
			apiUrl: api.url,
			userPoolId: people.pool.userPoolId,
			pageClientId: pageClient.userPoolClientId,
			cliClientId: people.cliClient.userPoolClientId,
			signInUrl: people.signInUrl,
			blocksTable: tables.blocks.table.tableName,
			recordsTable: tables.records.table.tableName,
			firmwareBucket: firmware.bucket.bucketName,
			firmwareRoleArn: firmware.role.roleArn,
			ingestQueueUrl: ingest.queue.queueUrl,
			deadLetterQueueUrl: ingest.deadLetters.queueUrl,
			timestreamDatabase: rows?.timestream?.databaseName,
			timestreamTable: rows?.timestream?.tableName,
			influxEndpoint: rows?.influxDb?.url,
			influxSecretArn: rows?.influxDb?.secret.secretArn,
			grafanaUrl: grafana && `https://${grafana.workspace.attrEndpoint}`,
			grafanaWorkspaceId: grafana?.workspace.attrId,
			grafanaClientId: reader?.userPoolClientId,
		});
	}

	#output(values: Readonly<Record<keyof typeof OUTPUTS, string | undefined>>) {
		for (const [name, value] of Object.entries(values)) {
			if (value === undefined) continue;
			new CfnOutput(this, OUTPUTS[name as keyof typeof OUTPUTS], { value });
		}
	}
}

function environment({ region, account }: Context): Pick<StackProps, "env"> {
	if (region === null) return {};
	return { env: { region, ...(account === null ? {} : { account }) } };
}
