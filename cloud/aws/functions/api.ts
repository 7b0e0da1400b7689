/** Lambda's entry: the API, behind an HTTP API. */
import { IoTClient } from "@aws-sdk/client-iot";
import { IoTDataPlaneClient } from "@aws-sdk/client-iot-data-plane";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import packageJson from "../../../package.json" with { type: "json" };
import { createApi } from "../../api/app.ts";
import { Access } from "../../core/access.ts";
import { Alerts } from "../../core/alerts/alerts.ts";
import { deviceLink } from "../../core/alerts/link.ts";
import { PushSubscriptions } from "../../core/alerts/push-subscriptions.ts";
import { DeviceRemoval } from "../../core/device-removal.ts";
import { Devices } from "../../core/devices.ts";
import { Ingest } from "../../core/ingest.ts";
import { fleetOf } from "../../core/jobs/fleet.ts";
import { jobsThatAllowRotation } from "../../core/jobs/rotation-jobs.ts";
import { LiveHub } from "../../core/live-hub.ts";
import { Queries } from "../../core/queries.ts";
import { Redrive } from "../../core/redrive.ts";
import { Releases } from "../../core/releases/releases.ts";
import { Rollups } from "../../core/rollups.ts";
import { CognitoAuth } from "../adapters/cognito/authenticator.ts";
import { iotDeviceJobs } from "../adapters/iot/device-jobs.ts";
import { IotJobs } from "../adapters/iot/jobs.ts";
import { IotShadows } from "../adapters/iot/shadows.ts";
import { iotStreams } from "../adapters/iot/streams.ts";
import { IotTagger } from "../adapters/iot/tagger.ts";
import { IotThingRemover } from "../adapters/iot/thing-remover.ts";
import { s3FirmwareObjects } from "../adapters/s3/firmware-objects.ts";
import {
	s3FirmwareUploads,
	s3UpdateKeys,
} from "../adapters/s3/firmware-uploads.ts";
import { sqsRedrive } from "../adapters/sqs/redrive.ts";
import { readEnvironment } from "../environment.ts";
import { SEEN_EVERY_MS } from "../ingest.ts";
import { httpHandler } from "../lambda-http.ts";
import { consoleLog, describeError } from "../log.ts";
import { takingEnvelopes } from "../malformed.ts";
import { openNotifier } from "../open-notifier.ts";
import { systemClock as clock, openStores } from "../runtime.ts";

const environment = readEnvironment("api", process.env);
const stores = openStores(environment);
const onError = (error: unknown) =>
	consoleLog.error("unforeseen", describeError(error));
/** Nobody looks on here: pages ask again and again. */
const hub = new LiveHub();

const rollups = new Rollups({
	stores,
	clock,
	// Nothing goes on between invocations; the schedule's function counts what no query has.
	timers: { after: () => () => undefined },
	onError,
});

const alerts = new Alerts({
	stores,
	hub,
	clock,
	notifier: openNotifier({
		environment,
		store: stores.alerts,
		clock,
		log: consoleLog,
	}),
	onError,
	linkTo: (device) => deviceLink(environment.pageUrl, device),
});

const ingest = new Ingest(
	{ stores, hub, clock },
	{ adopts: stores.presence, onBlock: alerts.onBlock },
);

const devices = new Devices({ stores, hub, clock });
const iot = new IoTClient({});
const firmware = {
	client: new S3Client({}),
	bucket: environment.firmwareBucket,
};
const uploads = s3FirmwareUploads(firmware);
/** The queue's ARN says where all of it is: "arn:PARTITION:sqs:REGION:ACCOUNT:…". */
const [, partition = "aws", , region = "", account = ""] =
	environment.ingestQueueArn.split(":");

const shadows = new IotShadows(new IoTDataPlaneClient({}));

export const handler = httpHandler(
	createApi({
		devices,
		removal: new DeviceRemoval({
			devices: stores.devices,
			things: new IotThingRemover(iot),
			shadows,
			logs: stores.logs,
			claims: stores.claims,
			rules: alerts.rules,
			grants: stores.grants,
			gone(thing) {
				ingest.forget(thing);
				devices.forget(thing);
			},
		}),
		queries: new Queries({ stores, rollups }),
		hub: null,
		shadows,
		deadLetters: stores.deadLetters,
		redrive: new Redrive({
			deadLetters: stores.deadLetters,
			ingest: takingEnvelopes(ingest),
		}),
		claims: stores.claims,
		logs: stores.logs,
		jobs: jobsThatAllowRotation(
			new IotJobs({
				clock,
				client: iot,
				arnPrefix: `arn:${partition}:iot:${region}:${account}`,
				region,
				...environment,
			}),
			{ claims: stores.claims, fleet: fleetOf(stores.devices), clock },
		),
		deviceJobs: iotDeviceJobs(iot, stores.latestExecutions),
		releases: new Releases({
			objects: s3FirmwareObjects(firmware),
			uploads,
			keys: s3UpdateKeys(firmware),
			streams: iotStreams({ client: iot, ...environment }),
			clock,
		}),
		uploads,
		tagger: new IotTagger(iot, devices),
		deadLetterQueue: sqsRedrive({ client: new SQSClient({}), ...environment }),
		alerts,
		push: new PushSubscriptions({
			store: stores.alerts,
			clock,
			webKey: null,
			platforms: Object.keys(environment.platformApplications),
		}),
		auth: new CognitoAuth({
			pool: {
				poolId: environment.userPoolId,
				clientIds: [environment.userPoolClientId, environment.cliClientId],
				readerClientId: environment.readerClientId,
				signInUrl: environment.signInUrl,
			},
			clock,
		}),
		access: new Access(stores.grants),
		clock,
		seenEveryMs: SEEN_EVERY_MS,
		version: packageJson.version,
		onError,
	}),
);
