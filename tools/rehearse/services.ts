/**
 * What functions call by themselves beside DynamoDB, on one loopback address: SQS, Secrets Manager, IoT's registry, and SNS, Timestream
 * and IoT's data plane, whose requests go on to their stand-ins. Who calls is told by the access key; whether it may, by the same judge as for
 * DynamoDB.
 */
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import {
	type IotDataPlane,
	startIotDataPlane,
} from "../../cloud/aws/fakes/iot-data-plane.ts";
import { FakeSns } from "../../cloud/aws/fakes/sns.ts";
import { isObject, type Json } from "./json.ts";
import {
	accessKeyOf,
	closeServer,
	LOOPBACK,
	listenOnLoopback,
	readBody,
} from "./loopback.ts";
import type { Queue } from "./queue.ts";
import type { Secrets } from "./secrets.ts";
import { ACCOUNT, REGION } from "./template.ts";

/** Paths of IoT's data plane: a thing's shadow, or the list of its shadows. */
const SHADOW =
	/^\/(?:things\/([^/]+)\/shadow|api\/things\/shadow\/ListNamedShadowsForThing\/([^/]+))$/;
const SHADOW_ACTIONS: Readonly<Record<string, string>> = {
	GET: "iot:GetThingShadow",
	POST: "iot:UpdateThingShadow",
	DELETE: "iot:DeleteThingShadow",
};
/**
 * UpdateThing and ListJobExecutionsForThing:
 * https://docs.aws.amazon.com/iot/latest/apireference/API_UpdateThing.html, API_ListJobExecutionsForThing.html
 */
const THING = /^\/things\/([^/]+)(\/jobs)?$/;
const THING_ACTIONS: Readonly<Record<string, string>> = {
	PATCH: "iot:UpdateThing",
	"GET /jobs": "iot:ListJobExecutionsForThing",
};
/** Before the operation, in X-Amz-Target. */
const TIMESTREAM = "Timestream_20181101.";

export interface ServiceCall {
	readonly caller: string | null;
	/** "sns:Publish", … */
	readonly action: string;
	readonly resource: string;
}

interface Answer {
	readonly status: number;
	readonly type: string;
	readonly text: string;
	/** In the header by which the SDK knows it, where it is not in the text. */
	readonly error?: string;
}

export class Services {
	readonly sns = new FakeSns();
	/** Of things, as UpdateThing has merged them. */
	readonly attributes = new Map<string, Readonly<Record<string, unknown>>>();
	readonly #isAllowed: (call: ServiceCall) => boolean;
	readonly #queues: () => readonly Queue[];
	readonly #secrets: Secrets;
	readonly #timestreamUrl: string | null;
	#iotData: IotDataPlane | null = null;
	readonly #server = createServer((request, response) => {
		this.#answer(request).then(
			({ status, type, text, error }) => {
				response.writeHead(status, {
					"content-type": type,
					...(error === undefined ? {} : { "x-amzn-errortype": error }),
				});
				response.end(text);
			},
			(error: unknown) => {
				response.writeHead(500);
				response.end(String(error));
			},
		);
	});
	endpoint = "";

	constructor(deps: {
		readonly isAllowed: (call: ServiceCall) => boolean;
		readonly queues: () => readonly Queue[];
		readonly secrets: Secrets;
		/** Where WriteRecords is answered; null where there is no such table. */
		readonly timestreamUrl: string | null;
	}) {
		this.#isAllowed = deps.isAllowed;
		this.#queues = deps.queues;
		this.#secrets = deps.secrets;
		this.#timestreamUrl = deps.timestreamUrl;
	}

	async start(): Promise<void> {
		await this.sns.listen();
		this.#iotData = await startIotDataPlane();
		this.endpoint = `http://${LOOPBACK}:${await listenOnLoopback(this.#server)}`;
	}

	async close(): Promise<void> {
		await closeServer(this.#server);
		await this.sns.close();
		await this.#iotData?.close();
	}

	async #answer(request: IncomingMessage): Promise<Answer> {
		const text = (await readBody(request)).toString();
		const target = request.headers["x-amz-target"];
		const caller = accessKeyOf(request);
		if (typeof target === "string" && target.startsWith("AmazonSQS.")) {
			const body: unknown = JSON.parse(text);
			return this.#sqs(
				caller,
				target.replace("AmazonSQS.", ""),
				isObject(body) ? body : {},
			);
		}
		if (target === "secretsmanager.GetSecretValue") {
			const { SecretId } = JSON.parse(text) as { SecretId?: unknown };
			return this.#secret(caller, String(SecretId));
		}
		if (typeof target === "string" && target.startsWith(TIMESTREAM)) {
			return this.#timestream(caller, target, text);
		}
		const url = new URL(request.url ?? "/", this.endpoint);
		if (SHADOW.test(url.pathname)) {
			return this.#shadow(caller, request.method ?? "", url, text);
		}
		const [, thing, what = ""] = THING.exec(url.pathname) ?? [];
		const action = THING_ACTIONS[`${request.method} ${what}`.trim()];
		if (thing !== undefined && action !== undefined) {
			return this.#registry(caller, action, decodeURIComponent(thing), text);
		}
		return this.#sns(caller, text);
	}

	#registry(
		caller: string | null,
		action: string,
		thing: string,
		text: string,
	): Answer {
		const resource = `arn:aws:iot:${REGION}:${ACCOUNT}:thing/${thing}`;
		const type = "application/json";
		if (!this.#isAllowed({ caller, action, resource })) {
			const message = JSON.stringify({ message: `${action} is not allowed.` });
			const error = "UnauthorizedException";
			return { status: 401, type, text: message, error };
		}
		if (action === "iot:ListJobExecutionsForThing") {
			// Of jobs, the rehearsal has what AWS tells of them: none goes on.
			return { status: 200, type, text: '{"executionSummaries":[]}' };
		}
		const body: unknown = JSON.parse(text);
		const payload = isObject(body) ? body.attributePayload : null;
		const { attributes = {}, merge = false } = isObject(payload) ? payload : {};
		this.attributes.set(thing, {
			...(merge === true ? this.attributes.get(thing) : {}),
			...(isObject(attributes) ? attributes : {}),
		});
		return { status: 200, type, text: "{}" };
	}

	/** https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-rest-api.html ("Policy allowing such a request") */
	async #shadow(
		caller: string | null,
		method: string,
		url: URL,
		text: string,
	): Promise<Answer> {
		const [, thing = "", list = ""] = SHADOW.exec(url.pathname) ?? [];
		const action =
			list === "" ? SHADOW_ACTIONS[method] : "iot:ListNamedShadowsForThing";
		const resource = `arn:aws:iot:${REGION}:${ACCOUNT}:thing/${decodeURIComponent(thing || list)}`;
		const type = "application/json";
		if (
			action === undefined ||
			!this.#isAllowed({ caller, action, resource })
		) {
			const text = JSON.stringify({ message: `${action} is not allowed.` });
			return { status: 403, type, text };
		}
		const response = await fetch(
			new URL(url.pathname + url.search, this.#iotData?.url),
			{ method, ...(text === "" ? {} : { body: text }) },
		);
		const error = response.headers.get("x-amzn-errortype");
		return {
			status: response.status,
			type,
			text: await response.text(),
			...(error === null ? {} : { error }),
		};
	}

	/** AWS JSON 1.0: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/ */
	#sqs(caller: string | null, operation: string, body: Json): Answer {
		const name = String(
			body.QueueUrl ?? body.SourceArn ?? body.TaskHandle ?? "",
		);
		const queue = this.#queues().find(
			({ url, arn }) => url === name || arn === name,
		);
		const json = (status: number, value: unknown): Answer => ({
			status,
			type: "application/x-amz-json-1.0",
			text: JSON.stringify(value),
		});
		const failure = (type: string, message: string) =>
			json(400, { __type: `com.amazonaws.sqs#${type}`, message });
		if (queue === undefined) {
			return failure("QueueDoesNotExist", `There is no queue ${name}.`);
		}
		const may = (action: string, resource: string) =>
			this.#isAllowed({ caller, action: `sqs:${action}`, resource });
		if (!may(operation, queue.arn)) {
			return failure("AccessDenied", `${operation} is not allowed.`);
		}
		switch (operation) {
			case "SendMessage": {
				const message = String(body.MessageBody ?? "");
				const MessageId = queue.send(message);
				const md5 = createHash("md5").update(message).digest("hex");
				return json(200, { MessageId, MD5OfMessageBody: md5 });
			}
			case "GetQueueAttributes":
				return json(200, {
					Attributes: {
						ApproximateNumberOfMessages: String(queue.length),
						ApproximateNumberOfMessagesNotVisible: "0",
						ApproximateNumberOfMessagesDelayed: "0",
						QueueArn: queue.arn,
					},
				});
			case "ListMessageMoveTasks":
				return json(200, { Results: [] });
			case "StartMessageMoveTask": {
				const destination = this.#queues().find(
					({ arn }) => arn === body.DestinationArn,
				);
				if (destination === undefined) {
					return failure("ResourceNotFoundException", "No destination.");
				}
				// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
				const needed = [
					["ReceiveMessage", queue.arn],
					["DeleteMessage", queue.arn],
					["GetQueueAttributes", queue.arn],
					["SendMessage", destination.arn],
				] as const;
				if (!needed.every(([action, arn]) => may(action, arn))) {
					return failure("AccessDenied", "Moving messages is not allowed.");
				}
				for (const message of queue.drain()) destination.send(message);
				return json(200, { TaskHandle: randomUUID() });
			}
			default:
				return failure(
					"UnsupportedOperation",
					`The rehearsal has no ${operation}.`,
				);
		}
	}

	/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html */
	#secret(caller: string | null, arn: string): Answer {
		const type = "application/x-amz-json-1.1";
		const action = "secretsmanager:GetSecretValue";
		if (!this.#isAllowed({ caller, action, resource: arn })) {
			const text = JSON.stringify({
				__type: "AccessDeniedException",
				Message: `${action} is not allowed.`,
			});
			return { status: 400, type, text };
		}
		const secret = this.#secrets.value(arn);
		if (secret === null) {
			const text = JSON.stringify({
				__type: "ResourceNotFoundException",
				Message: "Secrets Manager can't find the specified secret.",
			});
			return { status: 400, type, text };
		}
		const text = JSON.stringify({
			ARN: arn,
			Name: arn.split(":").at(-1),
			SecretString: secret,
			VersionId: randomUUID(),
			VersionStages: ["AWSCURRENT"],
		});
		return { status: 200, type, text };
	}

	/**
	 * AWS JSON 1.0. The client asks for an endpoint first and goes there; this one is told to stay, and keeps scheme and port:
	 * https://docs.aws.amazon.com/timestream/latest/developerguide/Using.API.endpoint-discovery.how-it-works.html
	 */
	async #timestream(
		caller: string | null,
		target: string,
		text: string,
	): Promise<Answer> {
		const type = "application/x-amz-json-1.0";
		const operation = target.slice(TIMESTREAM.length);
		const action = `timestream:${operation}`;
		const body: unknown = JSON.parse(text);
		const { DatabaseName, TableName } = isObject(body) ? body : {};
		const resource =
			DatabaseName === undefined
				? "*"
				: `arn:aws:timestream:${REGION}:${ACCOUNT}:database/${DatabaseName}/table/${TableName}`;
		if (!this.#isAllowed({ caller, action, resource })) {
			const text = JSON.stringify({
				__type: "AccessDeniedException",
				Message: `${action} is not allowed.`,
			});
			return { status: 400, type, text };
		}
		if (operation === "DescribeEndpoints") {
			const text = JSON.stringify({
				Endpoints: [{ Address: LOOPBACK, CachePeriodInMinutes: 1440 }],
			});
			return { status: 200, type, text };
		}
		if (this.#timestreamUrl === null) {
			const text = JSON.stringify({ __type: "ResourceNotFoundException" });
			return { status: 400, type, text };
		}
		const response = await fetch(this.#timestreamUrl, {
			method: "POST",
			headers: { "content-type": type, "x-amz-target": target },
			body: text,
		});
		return { status: response.status, type, text: await response.text() };
	}

	/** AWS Query: https://docs.aws.amazon.com/sns/latest/api/API_Operations.html */
	async #sns(caller: string | null, text: string): Promise<Answer> {
		const body = new URLSearchParams(text);
		const action = body.get("Action") ?? "";
		const name = body.get("Name");
		const resource =
			body.get("TopicArn") ??
			body.get("TargetArn") ??
			body.get("EndpointArn") ??
			body.get("PlatformApplicationArn") ??
			(name === null ? "*" : `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`);
		if (!this.#isAllowed({ caller, action: `sns:${action}`, resource })) {
			return {
				status: 403,
				type: "text/xml",
				text: `<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>${action} is not allowed.</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
			};
		}
		const response = await fetch(this.sns.url, {
			method: "POST",
			headers: { "content-type": "application/x-www-form-urlencoded" },
			body: text,
		});
		return {
			status: response.status,
			type: response.headers.get("content-type") ?? "text/xml",
			text: await response.text(),
		};
	}
}
