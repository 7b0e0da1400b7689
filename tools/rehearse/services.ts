/**
 * The few operations of SNS and SQS that functions call by themselves, on one loopback address. Who calls is told by the
 * access key; whether it may, by the same judge as for DynamoDB.
 */
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { isObject, type Json } from "./json.ts";
import {
	accessKeyOf,
	closeServer,
	LOOPBACK,
	listenOnLoopback,
	readBody,
} from "./loopback.ts";
import type { Queue } from "./queue.ts";

export interface ServiceCall {
	readonly caller: string | null;
	/** "sns:Publish", … */
	readonly action: string;
	readonly resource: string;
}

/** What was published by SNS. */
export interface Published {
	/** A topic or a platform endpoint. */
	readonly target: string;
	readonly subject: string | null;
	readonly message: string;
}

interface Answer {
	readonly status: number;
	readonly type: string;
	readonly text: string;
}

export class Services {
	readonly published: Published[] = [];
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
		this.endpoint = `http://${LOOPBACK}:${await listenOnLoopback(this.#server)}`;
	}

	close(): Promise<void> {
		return closeServer(this.#server);
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
		return this.#sns(caller, new URLSearchParams(text));
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

	/** AWS Query: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
	#sns(caller: string | null, body: URLSearchParams): Answer {
		const action = body.get("Action") ?? "";
		const target = body.get("TopicArn") ?? body.get("TargetArn") ?? "*";
		const xml = (status: number, text: string): Answer => ({
			status,
			type: "text/xml",
			text,
		});
		const failure = (code: string, message: string) =>
			xml(
				code === "AuthorizationError" ? 403 : 400,
				`<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
			);
		if (
			!this.#isAllowed({ caller, action: `sns:${action}`, resource: target })
		) {
			return failure("AuthorizationError", `${action} is not allowed.`);
		}
		if (action !== "Publish") {
			return failure("InvalidAction", `The rehearsal has no ${action}.`);
		}
		this.published.push({
			target,
			subject: body.get("Subject"),
			message: body.get("Message") ?? "",
		});
		return xml(
			200,
			`<PublishResponse><PublishResult><MessageId>${randomUUID()}</MessageId></PublishResult><ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></PublishResponse>`,
		);
	}
}
