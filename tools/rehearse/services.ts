/**
 * What functions call by themselves beside DynamoDB, on one loopback address: SQS, Secrets Manager, and SNS, whose requests
 * go on to its stand-in. Who calls is told by the access key; whether it may, by the same judge as for DynamoDB.
 */
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
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
import { ACCOUNT, REGION } from "./template.ts";

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
}

export class Services {
	readonly sns = new FakeSns();
	/** Values of secrets, by their ARNs: made up when first asked for. */
	readonly secrets = new Map<string, string>();
	readonly #isAllowed: (call: ServiceCall) => boolean;
	readonly #queues: () => readonly Queue[];
	readonly #server = createServer((request, response) => {
		this.#answer(request).then(
			({ status, type, text }) => {
				response.writeHead(status, { "content-type": type });
				response.end(text);
			},
			(error: unknown) => {
				response.writeHead(500);
				response.end(String(error));
			},
		);
	});
	endpoint = "";

	constructor(
		isAllowed: (call: ServiceCall) => boolean,
		queues: () => readonly Queue[],
	) {
		this.#isAllowed = isAllowed;
		this.#queues = queues;
	}

	async start(): Promise<void> {
		await this.sns.listen();
		this.endpoint = `http://${LOOPBACK}:${await listenOnLoopback(this.#server)}`;
	}

	async close(): Promise<void> {
		await closeServer(this.#server);
		await this.sns.close();
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
		return this.#sns(caller, text);
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
		const secret = this.secrets.get(arn) ?? randomUUID();
		this.secrets.set(arn, secret);
		const text = JSON.stringify({
			ARN: arn,
			Name: arn.split(":").at(-1),
			SecretString: secret,
			VersionId: randomUUID(),
			VersionStages: ["AWSCURRENT"],
		});
		return { status: 200, type, text };
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
