/**
 * Names by which parts that are deployed find each other, and by which the command finds what was deployed. They are
 * fixed: the names of the rules are part of the topics that nodes publish to, so an account has one such stack a region.
 */

export const STACK_NAME = "thinghz";

export const THING_TYPE = "thinghz-node";

/**
 * The policies that a thing's certificate carries, all of them. They are several because one may have no more than
 * 2,048 characters: https://docs.aws.amazon.com/general/latest/gr/iot-core.html ("Policy document size").
 */
export const THING_POLICIES = [
	"thinghz-thing",
	"thinghz-thing-shadows",
	"thinghz-thing-jobs",
	"thinghz-thing-rotation",
] as const;

/** The policy of a claim certificate, which can do nothing but ask for a thing of its own. */
export const CLAIM_POLICY = "thinghz-claim";

export {
	CLAIM_CLIENT_PREFIX,
	PROVISIONING_PARAMETER,
} from "../../protocol/provisioning.ts";
export { PROVISIONING_TEMPLATE } from "../../protocol/topics.ts";

/** The resource server of the user pool, and what of it a program may ask for. */
export const RESOURCE_SERVER = "thinghz";
export const READ_ACCESS = "read";

/** The scope of that, as tokens carry it: Cognito puts a slash between. */
export const READ_SCOPE = `${RESOURCE_SERVER}/${READ_ACCESS}`;

/** What the rows function calls it in its log that a database takes some rows never: an alarm counts it. */
export const ROWS_REFUSED = "rows_refused";

/** Where a browser comes back to when it has signed the command in (RFC 8252, section 7.3): the pool's client knows no other. */
export const CLI_REDIRECT = "http://localhost:8976/callback";

/** What the stack says once it is deployed: keys of its CloudFormation outputs. */
export const OUTPUTS = {
	/** Address of the page, `https://…`, without a slash at the end; the API is at `/v1` below it. */
	pageUrl: "PageUrl",
	/** Address of the API without the page's CDN in between: for programs. */
	apiUrl: "ApiUrl",
	userPoolId: "UserPoolId",
	/** Client of the page: authorization code with PKCE, no secret. */
	pageClientId: "PageClientId",
	/** Client of the command: the same, with a loopback address to come back to. */
	cliClientId: "CliClientId",
	/** Address of the hosted sign-in, `https://…`, without a slash at the end. */
	signInUrl: "SignInUrl",
	blocksTable: "BlocksTable",
	recordsTable: "RecordsTable",
	firmwareBucket: "FirmwareBucket",
	/** The role that AWS IoT signs addresses of firmware with: `presignedUrlConfig.roleArn` of a job. */
	firmwareRoleArn: "FirmwareRoleArn",
	ingestQueueUrl: "IngestQueueUrl",
	/** What could not even be put into the table of dead letters. */
	deadLetterQueueUrl: "DeadLetterQueueUrl",
	/** With `timeseries=timestream`. */
	timestreamDatabase: "TimestreamDatabase",
	timestreamTable: "TimestreamTable",
	/** With `timeseries=influxdb`. */
	influxEndpoint: "InfluxEndpoint",
	influxSecretArn: "InfluxSecretArn",
	/** With `grafana=true`. */
	grafanaUrl: "GrafanaUrl",
	grafanaWorkspaceId: "GrafanaWorkspaceId",
	/** With `grafana=true` and `timeseries=none`: the client by which Grafana asks the API. Its secret is Cognito's to tell. */
	grafanaClientId: "GrafanaClientId",
} as const;
