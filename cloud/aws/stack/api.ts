/** The API: an HTTP API that lets in who is signed in, and a function with the app of `cloud/api` behind it. */
import { RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
	HttpApi,
	HttpMethod,
	HttpStage,
	LogGroupLogDestination,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { UserPoolClient } from "aws-cdk-lib/aws-cognito";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { writeEnvironment } from "../environment.ts";
import { STACK_NAME } from "../names.ts";
import type { Alerts } from "./alerts.ts";
import type { Firmware } from "./firmware.ts";
import { BundledFunction, type FunctionDefaults } from "./function.ts";
import type { Ingest } from "./ingest.ts";
import type { People } from "./people.ts";
import type { Tables } from "./tables.ts";
import { acknowledgeWildcard } from "./wildcard.ts";

/** Routes that need nobody to be signed in; whether they do is up to the app, which asks again in any case. */
const OPEN_ROUTES = ["/v1/health", "/v1/session", "/v1/openapi.json"];

/** An HTTP API waits for 30 s. */
const TIMEOUT_S = 29;

export interface ApiProps {
	/** Requests a second of all callers together; twice as many in a burst. */
	readonly rate: number;
	readonly logDays: number;
}

/** What answers, once all that it has to know is there. */
export interface ApiFunctionProps extends FunctionDefaults {
	readonly tables: Tables;
	readonly retentionDays: number;
	readonly people: People;
	readonly pageClient: UserPoolClient;
	/** Of a program that only reads; undefined where there is none. */
	readonly reader: UserPoolClient | undefined;
	readonly alerts: Alerts;
	readonly firmware: Firmware;
	readonly ingest: Ingest;
	readonly traced: boolean;
}

export class Api extends Construct {
	readonly http: HttpApi;
	readonly stage: HttpStage;

	constructor(scope: Construct, id: string, props: ApiProps) {
		super(scope, id);
		this.http = new HttpApi(this, "Http", {
			apiName: STACK_NAME,
			description: "thinghz: devices and their readings",
			createDefaultStage: false,
		});
		this.stage = new HttpStage(this, "Stage", {
			httpApi: this.http,
			stageName: "$default",
			autoDeploy: true,
			throttle: { rateLimit: props.rate, burstLimit: 2 * props.rate },
			detailedMetricsEnabled: false,
			accessLogSettings: {
				destination: new LogGroupLogDestination(
					new LogGroup(this, "AccessLogs", {
						logGroupName: `/aws/apigateway/${STACK_NAME}`,
						retention: props.logDays,
						removalPolicy: RemovalPolicy.DESTROY,
					}),
				),
				format: ACCESS_LOG,
			},
		});
	}

	/** The address below which `/v1` is, without a slash at the end. */
	get url(): string {
		return this.http.apiEndpoint;
	}

	/** The name in the address, without a scheme: where the page's CDN finds the API. */
	get host(): string {
		const { region, urlSuffix } = Stack.of(this);
		return `${this.http.apiId}.execute-api.${region}.${urlSuffix}`;
	}

	/** Adds what answers. It knows the page, which knows the API's address, so it comes after both. */
	answerWith(props: ApiFunctionProps): BundledFunction {
		const { tables, ingest, people, pageClient, reader } = props;
		const api = new BundledFunction(this, "Function", {
			bundleDir: props.bundleDir,
			logDays: props.logDays,
			name: "api",
			about: "Answers requests to the API",
			environment: writeEnvironment("api", {
				blocksTable: tables.blocks.table.tableName,
				recordsTable: tables.records.table.tableName,
				retentionDays: props.retentionDays,
				// A rule is tried by telling those whom it names.
				...props.alerts.telling,
				userPoolId: people.pool.userPoolId,
				userPoolClientId: pageClient.userPoolClientId,
				cliClientId: people.cliClient.userPoolClientId,
				readerClientId: reader?.userPoolClientId ?? null,
				signInUrl: people.signInUrl,
				firmwareBucket: props.firmware.bucket.bucketName,
				firmwareRoleArn: props.firmware.role.roleArn,
				ingestQueueArn: ingest.queue.queueArn,
				deadLetterQueueArn: ingest.deadLetters.queueArn,
			}),
			timeoutS: TIMEOUT_S,
			// Of a CPU, a function gets as much as of 1,769 MB: this much decodes a month of blocks in good time.
			memoryMb: 1024,
			traced: props.traced,
		});
		// Rollups that a query brings up to date are kept.
		tables.blocks.allow(api.role, "write");
		tables.records.allow(api.role, "write");
		props.alerts.allowToTell(api.role);
		allowRedrive(api, ingest);
		allowShadows(api);
		allowJobs(api, props.firmware);
		allowReleases(api, props.firmware);
		allowRemoval(api);

		const integration = new HttpLambdaIntegration("Integration", api.lambda);
		const clients = [pageClient, people.cliClient];
		if (reader !== undefined) clients.push(reader);
		const authorizer = new HttpJwtAuthorizer("People", people.issuer, {
			authorizerName: "people",
			// An access token has no `aud`: its `client_id` is what is compared.
			// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
			jwtAudience: clients.map(({ userPoolClientId }) => userPoolClientId),
		});
		this.http.addRoutes({
			path: "/v1/{path+}",
			methods: [HttpMethod.ANY],
			integration,
			authorizer,
		});
		for (const path of OPEN_ROUTES) {
			for (const route of this.http.addRoutes({
				path,
				methods: [HttpMethod.ANY],
				integration,
			})) {
				Validations.of(route).acknowledge({
					id: "AwsSolutions-APIG4",
					reason:
						"Open by design: health, signing in and out, and the description of the API say nothing of devices.",
				});
			}
		}
		return api;
	}
}

/** Dead letters of the queue go back to where they came from: `thinghz deadletters --redrive`. */
function allowRedrive(api: BundledFunction, { queue, deadLetters }: Ingest) {
	api.role.addToPolicy(
		new PolicyStatement({
			// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html ("permissions")
			actions: [
				"sqs:DeleteMessage",
				"sqs:GetQueueAttributes",
				"sqs:ListMessageMoveTasks",
				"sqs:ReceiveMessage",
				"sqs:StartMessageMoveTask",
			],
			resources: [deadLetters.queueArn],
		}),
	);
	api.role.addToPolicy(
		new PolicyStatement({
			actions: ["sqs:SendMessage"],
			resources: [queue.queueArn],
		}),
	);
}

/**
 * Jobs, whose ids and things nobody knows before, and the groups of those that are for who matches:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiot.html
 */
function allowJobs(api: BundledFunction, firmware: Firmware) {
	const stack = Stack.of(api);
	const iot = (resource: string, resourceName: string) =>
		stack.formatArn({ service: "iot", resource, resourceName });
	const jobs = iot("job", "*");
	const things = iot("thing", "*");
	const groups = iot("thinggroup", "thinghz-job-*");
	const index = iot("index", "AWS_Things");
	const allow = (resources: string[], ...actions: string[]) =>
		api.role.addToPolicy(new PolicyStatement({ actions, resources }));
	allow([jobs, things, groups], "iot:CreateJob");
	allow(
		[jobs],
		"iot:CancelJob",
		"iot:DeleteJob",
		"iot:DescribeJob",
		"iot:GetJobDocument",
		"iot:ListJobExecutionsForJob",
	);
	allow([jobs, things], "iot:DescribeJobExecution");
	allow(
		[groups, index],
		"iot:CreateDynamicThingGroup",
		"iot:DeleteDynamicThingGroup",
		"iot:DescribeThingGroup",
	);
	allow([things], "iot:ListJobExecutionsForThing", "iot:UpdateThing");
	allow(["*"], "iot:ListJobs", "iot:ListThingGroups");
	api.role.addToPolicy(
		new PolicyStatement({
			actions: ["iam:PassRole"],
			resources: [firmware.role.roleArn],
			conditions: {
				StringEquals: { "iam:PassedToService": "iot.amazonaws.com" },
			},
		}),
	);
	acknowledgeWildcard(
		api.role,
		jobs,
		"Jobs are made by people, who give them their ids; the app asks who may.",
	);
	acknowledgeWildcard(
		api.role,
		groups,
		"The group of each job that has a query is named after job and query.",
	);
	// `xray:PutTraceSegments` may have said so already.
	acknowledgeWildcard(
		api.role,
		"*",
		"iot:ListJobs, iot:ListThingGroups and traces have no resources to be limited to.",
	);
}

/** Firmware that people publish: its objects, and a file stream of each. */
function allowReleases(api: BundledFunction, { bucket }: Firmware) {
	const objects = bucket.arnForObjects("*");
	const streams = Stack.of(api).formatArn({
		service: "iot",
		resource: "stream",
		resourceName: "thinghz-*",
	});
	const allow = (resource: string, ...actions: string[]) =>
		api.role.addToPolicy(
			new PolicyStatement({ actions, resources: [resource] }),
		);
	// Presigned addresses of uploads may do what who signs them may.
	allow(objects, "s3:GetObject", "s3:PutObject", "s3:DeleteObject");
	allow(bucket.bucketArn, "s3:ListBucket");
	allow(streams, "iot:CreateStream", "iot:DeleteStream");
	acknowledgeWildcard(
		api.role,
		objects,
		"Images of this one bucket, whose names nobody knows before they are published.",
	);
	acknowledgeWildcard(
		api.role,
		streams,
		"The stream of each release is named after its manifest's hash.",
	);
}

/** What is left of a thing goes when people take it out of the cloud: `DELETE /v1/devices/{name}`. */
function allowRemoval(api: BundledFunction) {
	const stack = Stack.of(api);
	const iot = (resource: string) =>
		stack.formatArn({ service: "iot", resource, resourceName: "*" });
	const things = iot("thing");
	const certificates = iot("cert");
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsiot.html
	api.role.addToPolicy(
		new PolicyStatement({
			actions: [
				"iot:DeleteThing",
				"iot:DetachThingPrincipal",
				"iot:ListThingPrincipals",
			],
			resources: [things],
		}),
	);
	api.role.addToPolicy(
		new PolicyStatement({
			actions: ["iot:DeleteCertificate", "iot:UpdateCertificate"],
			resources: [certificates],
		}),
	);
	acknowledgeWildcard(
		api.role,
		certificates,
		"Ids of certificates are hashes of them, which nobody knows before; only those of the thing that goes are asked for.",
	);
}

/** Of every thing, since people may ask for any; who may ask for which is the app's to say. */
function allowShadows(api: BundledFunction) {
	const things = Stack.of(api).formatArn({
		service: "iot",
		resource: "thing",
		resourceName: "*",
	});
	api.role.addToPolicy(
		new PolicyStatement({
			// https://docs.aws.amazon.com/iot/latest/developerguide/iot-policy-actions.html ("Device Shadow policy actions")
			actions: [
				"iot:DeleteThingShadow",
				"iot:GetThingShadow",
				"iot:ListNamedShadowsForThing",
				"iot:UpdateThingShadow",
			],
			resources: [things],
		}),
	);
	acknowledgeWildcard(
		api.role,
		things,
		"Any thing of the account may be a device whose shadows people see and set; the app asks which each may.",
	);
}

/** One line of JSON a request. No query string and no header: they can hold what is nobody else's business. */
const ACCESS_LOG = AccessLogFormat.custom(
	JSON.stringify({
		requestId: "$context.requestId",
		time: "$context.requestTimeEpoch",
		method: "$context.httpMethod",
		path: "$context.path",
		status: "$context.status",
		subject: "$context.authorizer.claims.sub",
		sourceIp: "$context.identity.sourceIp",
		latencyMs: "$context.responseLatency",
		functionMs: "$context.integrationLatency",
		bytes: "$context.responseLength",
		error: "$context.error.message",
		authorizerError: "$context.authorizer.error",
		integrationError: "$context.integrationErrorMessage",
	}),
);
