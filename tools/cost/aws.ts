/**
 * What a fleet costs on AWS in a month: each step that a block takes through the stack of `cloud/aws`, times how often it is
 * taken. docs/cost.md tells where the quantities come from.
 */
import {
	ASSUMED,
	ITEM_INDEX_BYTES,
	type ItemSizes,
	MONTH_S,
} from "./assumptions.ts";
import { Bill } from "./bill.ts";

export type TimeSeries = "none" | "timestream" | "influxdb";

/** A stream of blocks that a node makes. */
export interface BlockStream {
	readonly channels: number;
	readonly intervalS: number;
	readonly spanS: number;
	/** Encoded, on average; of all the blocks of a span where it does not fit into one. */
	readonly blockBytes: number;
	/** Blocks that a span takes: 1 unless it does not fit. */
	readonly blocksASpan: number;
}

export interface AwsUse {
	readonly devices: number;
	readonly readings: BlockStream;
	/** The node's own health; null when it is switched off. */
	readonly health: BlockStream | null;
	/** How long blocks and rollups are kept, months. */
	readonly months: number;
	readonly timeSeries: TimeSeries;
	/** Who look at the page. */
	readonly people: number;
	/** Managed Grafana: who may edit, who may look on. */
	readonly grafana: { readonly editors: number; readonly viewers: number };
	readonly design: StackDesign;
}

/** Of the stack, what costs depend on. */
export interface StackDesign {
	readonly sizes: ItemSizes;
	/** How long the queue's messages are gathered before the function is called. */
	readonly batchWindowS: number;
	readonly ingestMemoryMb: number;
	readonly apiMemoryMb: number;
	/** How often at most a device's last-seen time is written. */
	readonly seenEveryS: number;
	/** Between two runs of the schedule. */
	readonly scheduleEveryS: number;
	/** What webhooks are signed with. */
	readonly secrets: number;
	readonly alarms: number;
	/** Those that a database of rows adds. */
	readonly rowAlarms: number;
	readonly dashboards: number;
	/** Queues with a function behind them, beside that of ingest: Lambda polls each. */
	readonly otherQueues: number;
}

const GB = 1e9;
const KB = 1024;
const HOUR_S = 3600;
const DAY_S = 86_400;
const RULE_BYTES = 5 * KB;

/** @returns the bill of a month in which data has been kept for `months` */
export function reckonAws(use: AwsUse): Bill {
	const bill = new Bill();
	const streams =
		use.health === null ? [use.readings] : [use.readings, use.health];
	addDevices(bill, use, streams);
	addIngest(bill, use, streams);
	addStore(bill, use, streams);
	addRollups(bill, use, streams);
	addRowStore(bill, use, streams);
	addAlerts(bill, use, streams);
	addPeople(bill, use);
	addOperation(bill, use);
	return bill;
}

/** Blocks of the whole fleet in a month. */
function blocksOf(use: AwsUse, stream: BlockStream): number {
	return (use.devices * MONTH_S * stream.blocksASpan) / stream.spanS;
}

/** How often a device comes back, over the fleet. */
function reconnectsOf({ devices }: AwsUse): number {
	return devices * ASSUMED.reconnectsADay * (MONTH_S / DAY_S);
}

/** Boot, connected, disconnected. */
function eventsOf(use: AwsUse): number {
	return 3 * reconnectsOf(use);
}

function messagesOf(use: AwsUse, streams: readonly BlockStream[]): number {
	const blocks = streams.reduce((sum, one) => sum + blocksOf(use, one), 0);
	return blocks + eventsOf(use);
}

function addDevices(
	bill: Bill,
	use: AwsUse,
	streams: readonly BlockStream[],
): void {
	bill.add(
		"IoT Core",
		"being connected",
		"iotConnectivityMinute",
		(use.devices * MONTH_S) / 60,
	);
	bill.add(
		"IoT Device Defender",
		"the weekly audit",
		"deviceAuditMonth",
		use.devices,
	);
	const reconnects = reconnectsOf(use);
	bill.add(
		"IoT Core",
		"connecting, and asking for configuration and jobs",
		"iotMessage",
		reconnects * ASSUMED.messagesAReconnect,
	);
	bill.add("IoT Core", "shadows read", "iotShadowOperation", reconnects);
	let units = eventsOf(use);
	for (const stream of streams) {
		const bytes = stream.blockBytes / stream.blocksASpan;
		units += blocksOf(use, stream) * Math.ceil(bytes / RULE_BYTES);
	}
	bill.add("IoT Core", "a rule for each message", "iotRule", units);
	bill.add("IoT Core", "its action, to the queue", "iotAction", units);
}

function addIngest(
	bill: Bill,
	use: AwsUse,
	streams: readonly BlockStream[],
): void {
	const { pollers, pollS, pollsFillAbovePerS } = ASSUMED;
	const { batchWindowS, ingestMemoryMb } = use.design;
	const messages = messagesOf(use, streams);
	const invocations = Math.min(messages, (pollers * MONTH_S) / batchWindowS);
	const receives = Math.max(
		messages / 10,
		Math.min(messages, pollsFillAbovePerS * MONTH_S),
		(pollers * MONTH_S) / pollS,
	);
	bill.add("SQS", "a message sent", "sqsRequest", messages);
	bill.add("SQS", "received", "sqsRequest", receives);
	bill.add(
		"SQS",
		"deleted, ten at a time",
		"sqsRequest",
		Math.max(messages / 10, invocations),
	);
	bill.add(
		"SQS",
		"the other queues polled",
		"sqsRequest",
		(use.design.otherQueues * pollers * MONTH_S) / pollS,
	);
	bill.add("Lambda", "ingest, invocations", "lambdaRequest", invocations);
	const busyS = invocations * ASSUMED.invocationS + messages * ASSUMED.messageS;
	bill.add(
		"Lambda",
		"ingest, time",
		"lambdaGbS",
		(busyS * ingestMemoryMb) / 1024,
	);
	bill.add(
		"CloudWatch",
		"logs of ingest",
		"cloudWatchLogsGb",
		(invocations * ASSUMED.logBytes) / GB,
	);
}

function addStore(
	bill: Bill,
	use: AwsUse,
	streams: readonly BlockStream[],
): void {
	const { sizes, seenEveryS } = use.design;
	let keptBytes = 0;
	for (const stream of streams) {
		const bytes = stream.blockBytes / stream.blocksASpan + sizes.blockOverhead;
		const blocks = blocksOf(use, stream);
		const isHealth = stream === use.health;
		bill.add(
			"DynamoDB",
			isHealth ? "blocks of health written" : "blocks written",
			"dynamoWrite",
			blocks * Math.ceil(bytes / KB),
		);
		keptBytes += blocks * use.months * (bytes + ITEM_INDEX_BYTES);
	}
	bill.add("DynamoDB", "blocks kept", "dynamoGbMonth", keptBytes / GB);
	bill.add(
		"DynamoDB",
		"point-in-time recovery of blocks",
		"dynamoBackupGbMonth",
		keptBytes / GB,
	);
	const seen = Math.min(
		messagesOf(use, streams),
		(use.devices * MONTH_S) / seenEveryS,
	);
	// An event writes what it says: a boot, a coming or a going.
	bill.add("DynamoDB", "devices written", "dynamoWrite", seen + eventsOf(use));
	// A new instance reads each device it hears from, and the bindings of its boot.
	const instances = (ASSUMED.instances * MONTH_S) / ASSUMED.instanceS;
	const firsts = Math.min(instances * use.devices, messagesOf(use, streams));
	bill.add("DynamoDB", "devices read", "dynamoRead", 2 * firsts);
}

function addRollups(
	bill: Bill,
	use: AwsUse,
	streams: readonly BlockStream[],
): void {
	const { sizes } = use.design;
	const channels = streams.reduce((sum, one) => sum + one.channels, 0);
	const itemBytes = sizes.rollupOverhead + channels * sizes.rollupChannel;
	const sizesS = [HOUR_S, DAY_S];
	for (const spanS of sizesS) {
		const buckets = (use.devices * MONTH_S) / spanS;
		const name = spanS === HOUR_S ? "hour" : "day";
		bill.add(
			"DynamoDB",
			`rollups of the ${name} written`,
			"dynamoWrite",
			// Each instance asks to mark it; the first mark and the counting write its key in the index of what is out of date, too.
			buckets * (ASSUMED.instances + 1 + Math.ceil(itemBytes / KB) + 1),
		);
		let readBytes = itemBytes;
		for (const stream of streams) {
			const blocks = (spanS / stream.spanS + 1) * stream.blocksASpan;
			readBytes +=
				blocks * (stream.blockBytes / stream.blocksASpan + sizes.blockOverhead);
		}
		bill.add(
			"DynamoDB",
			`blocks read for rollups of the ${name}`,
			"dynamoRead",
			buckets * Math.ceil(readBytes / (4 * KB)),
		);
		const keptGb = (buckets * use.months * (itemBytes + ITEM_INDEX_BYTES)) / GB;
		bill.add(
			"DynamoDB",
			`rollups of the ${name} kept`,
			"dynamoGbMonth",
			keptGb,
		);
		bill.add(
			"DynamoDB",
			`point-in-time recovery of rollups of the ${name}`,
			"dynamoBackupGbMonth",
			keptGb,
		);
	}
}

/** A record of Timestream: its time, a name and 8 bytes for each value; what a device's records have in common is sent once in 100. */
const TIMESTREAM_RECORD_BYTES = 8;
const TIMESTREAM_VALUE_BYTES = 8 + 12;
const TIMESTREAM_COMMON_BYTES = 100;
const TIMESTREAM_MEMORY_H = 24;
/** InfluxDB compresses a float to about 2 to 3 bytes and its time to less than 1 ("In-memory indexing and the TSM"). */
const INFLUX_VALUE_BYTES = 3;

function addRowStore(
	bill: Bill,
	use: AwsUse,
	streams: readonly BlockStream[],
): void {
	if (use.timeSeries === "none") return;
	let records = 0;
	let values = 0;
	for (const { channels, intervalS } of streams) {
		const samples = (use.devices * MONTH_S) / intervalS;
		records += samples;
		values += samples * channels;
	}
	const blocks = streams.reduce((sum, one) => sum + blocksOf(use, one), 0);
	bill.add("Lambda", "rows, invocations", "lambdaRequest", blocks / 10);
	bill.add("Lambda", "rows, time", "lambdaGbS", blocks * 0.05 * 0.25);
	bill.add(
		"CloudWatch",
		"alarms of rows",
		"cloudWatchAlarmMonth",
		use.design.rowAlarms,
	);
	if (use.timeSeries === "influxdb") {
		bill.add("Secrets Manager", "InfluxDB's password", "secretMonth", 1);
		bill.add(
			"EC2",
			"an endpoint of Secrets Manager",
			"vpcEndpointHour",
			MONTH_S / HOUR_S,
		);
		bill.add(
			"Timestream for InfluxDB",
			"the instance",
			"influxMediumHour",
			MONTH_S / HOUR_S,
		);
		bill.add(
			"Timestream for InfluxDB",
			"rows kept",
			"influxGbMonth",
			Math.max(20, (values * use.months * INFLUX_VALUE_BYTES) / GB),
		);
		return;
	}
	const writtenBytes =
		records * TIMESTREAM_RECORD_BYTES +
		values * TIMESTREAM_VALUE_BYTES +
		(records / 100) * TIMESTREAM_COMMON_BYTES;
	const keptBytes =
		records * (TIMESTREAM_RECORD_BYTES + TIMESTREAM_COMMON_BYTES) +
		values * TIMESTREAM_VALUE_BYTES;
	bill.add(
		"Timestream",
		"records written",
		"timestreamWriteKb",
		writtenBytes / KB,
	);
	bill.add(
		"Timestream",
		"a day in memory",
		"timestreamMemoryGbHour",
		((keptBytes * TIMESTREAM_MEMORY_H * HOUR_S) / MONTH_S / GB) *
			(MONTH_S / HOUR_S),
	);
	bill.add(
		"Timestream",
		"the rest on disk",
		"timestreamMagneticGbMonth",
		(keptBytes * use.months) / GB,
	);
}

function addAlerts(
	bill: Bill,
	use: AwsUse,
	streams: readonly BlockStream[],
): void {
	const { rulesADevice, firingsADevice } = ASSUMED;
	bill.add(
		"DynamoDB",
		"alerts judged",
		"dynamoRead",
		blocksOf(use, use.readings) * rulesADevice,
	);
	const events = use.devices * firingsADevice * 2;
	// Pending, firing, delivered; and the history.
	bill.add("DynamoDB", "alerts written", "dynamoWrite", events * 4);
	bill.add("SNS", "alerts published", "snsPublish", events);
	bill.add("SNS", "e-mails", "snsEmail", events);
	const runs = MONTH_S / use.design.scheduleEveryS;
	bill.add("EventBridge", "the schedule", "schedulerInvocation", runs);
	bill.add("Lambda", "schedule and notify", "lambdaRequest", runs + events);
	const rollups = (use.devices * MONTH_S) / HOUR_S;
	bill.add(
		"Lambda",
		"schedule, time",
		"lambdaGbS",
		(runs * 0.2 + rollups * 0.005 * streams.length) * 0.5,
	);
	bill.add(
		"CloudWatch",
		"logs of the schedule",
		"cloudWatchLogsGb",
		((runs + events) * ASSUMED.logBytes) / GB,
	);
}

function addPeople(bill: Bill, use: AwsUse): void {
	const { people, design, grafana } = use;
	const { tracedShare } = ASSUMED;
	const visits = people * ASSUMED.visitsAMonth;
	const requests = visits * ASSUMED.requestsAVisit;
	bill.add("API Gateway", "requests", "httpApiRequest", requests);
	bill.add("X-Ray", "traces of the API", "xrayTrace", requests * tracedShare);
	bill.add("Lambda", "API, invocations", "lambdaRequest", requests);
	bill.add(
		"Lambda",
		"API, time",
		"lambdaGbS",
		(requests * ASSUMED.requestS * design.apiMemoryMb) / 1024,
	);
	bill.add(
		"DynamoDB",
		"read for the page",
		"dynamoRead",
		requests * ASSUMED.readUnitsARequest,
	);
	bill.add(
		"CloudFront",
		"page and readings",
		"cloudFrontGb",
		(visits * ASSUMED.pageKb * 1000) / GB,
	);
	bill.add("Cognito", "people", "cognitoUserMonth", people);
	bill.add("Managed Grafana", "editors", "grafanaEditorMonth", grafana.editors);
	bill.add("Managed Grafana", "viewers", "grafanaViewerMonth", grafana.viewers);
	if (grafana.editors + grafana.viewers === 0) return;
	// With rows beside the blocks, Grafana asks those.
	if (use.timeSeries !== "none") return;
	bill.add("Cognito", "Grafana's client", "cognitoProgramMonth", 1);
	bill.add(
		"Cognito",
		"Grafana's tokens",
		"cognitoProgramToken",
		MONTH_S / DAY_S,
	);
}

/** The page, and a dozen images of firmware. */
const OBJECTS_GB = 0.03;

function addOperation(bill: Bill, { design }: AwsUse): void {
	bill.add("S3", "page and firmware", "s3GbMonth", OBJECTS_GB);
	bill.add("Secrets Manager", "secrets", "secretMonth", design.secrets);
	bill.add("CloudWatch", "alarms", "cloudWatchAlarmMonth", design.alarms);
	bill.add(
		"CloudWatch",
		"dashboards",
		"cloudWatchDashboardMonth",
		design.dashboards,
	);
}
