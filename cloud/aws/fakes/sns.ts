/**
 * A stand-in for SNS, made from the requests, answers and errors of its API reference, for want of an account: it answers
 * over HTTP as the SDK asks (AWS query protocol). It proves that we speak the protocol as documented, not that AWS does.
 * https://docs.aws.amazon.com/sns/latest/api/API_Operations.html
 */
import { HttpPeer, type HttpReply } from "../../node/fakes/http-peer.ts";

const NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/";
const ACCOUNT = "eu-central-1:123456789012";
export const TOPIC_PREFIX = `arn:aws:sns:${ACCOUNT}:thinghz-mail-`;

export interface SnsTopic {
	readonly displayName: string;
	address: string | null;
	/** Of its subscription; a subscription that nobody confirms is gone after two days. */
	subscription: "none" | "pending" | "confirmed" | "deleted";
}

export interface SnsEndpoint {
	token: string;
	enabled: boolean;
}

export type SnsPublished = Readonly<Record<string, string>>;

export interface SnsError {
	readonly status: number;
	readonly code: string;
	readonly message: string;
}

export class FakeSns {
	readonly topics = new Map<string, SnsTopic>();
	readonly endpoints = new Map<string, SnsEndpoint>();
	/** Parameters of what was published and taken. */
	readonly published: SnsPublished[] = [];
	/** Names of the operations, in order. */
	readonly asked: string[] = [];
	/** Whether people confirm as soon as they are asked. */
	confirmsAtOnce = false;
	/** What an operation answers instead of doing it; "nothing" leaves it waiting. */
	readonly failures = new Map<string, SnsError | "nothing">();
	readonly #http = new HttpPeer();

	async listen(): Promise<this> {
		this.#http.reply = ({ body }) => this.#answer(body.toString());
		await this.#http.listen();
		return this;
	}

	get url(): string {
		return `http://127.0.0.1:${this.#http.port}`;
	}

	close(): Promise<void> {
		return this.#http.close();
	}

	#answer(body: string): HttpReply | "nothing" {
		const parameters = Object.fromEntries(new URLSearchParams(body));
		const action = parameters.Action ?? "";
		this.asked.push(action);
		const failure = this.failures.get(action) ?? this.failures.get("*");
		if (failure === "nothing") return "nothing";
		if (failure !== undefined) return errorReply(failure);
		const result = this.#act(action, parameters);
		return typeof result === "string"
			? resultReply(action, result)
			: errorReply(result);
	}

	/** @returns the XML of the result, or an error */
	#act(
		action: string,
		parameters: Readonly<Record<string, string>>,
	): string | SnsError {
		switch (action) {
			case "CreateTopic":
				return this.#createTopic(parameters);
			case "GetTopicAttributes":
				return this.#topicAttributes(parameters.TopicArn ?? "");
			case "Subscribe":
				return this.#subscribe(parameters);
			case "Publish":
				return this.#publish(parameters);
			case "CreatePlatformEndpoint":
				return this.#createEndpoint(parameters);
			case "SetEndpointAttributes":
				return this.#setEndpoint(parameters);
			case "DeleteEndpoint":
				this.endpoints.delete(parameters.EndpointArn ?? "");
				return "";
			default:
				return invalid(`Action ${action}`, 400, "InvalidAction");
		}
	}

	#createTopic(parameters: Readonly<Record<string, string>>) {
		const name = parameters.Name ?? "";
		if (!/^[\w-]{1,256}$/.test(name)) return invalid("Topic Name");
		const arn = `arn:aws:sns:${ACCOUNT}:${name}`;
		if (!this.topics.has(arn)) {
			this.topics.set(arn, {
				displayName: mapOf(parameters, "Attributes").DisplayName ?? "",
				address: null,
				subscription: "none",
			});
		}
		return `<TopicArn>${arn}</TopicArn>`;
	}

	#topicAttributes(arn: string): string | SnsError {
		const topic = this.topics.get(arn);
		if (topic === undefined) return NO_TOPIC;
		const count = (state: string) => (topic.subscription === state ? "1" : "0");
		const attributes = {
			TopicArn: arn,
			DisplayName: topic.displayName,
			SubscriptionsConfirmed: count("confirmed"),
			SubscriptionsPending: count("pending"),
			SubscriptionsDeleted: count("deleted"),
		};
		const entries = Object.entries(attributes).map(
			([key, value]) =>
				`<entry><key>${key}</key><value>${value}</value></entry>`,
		);
		return `<Attributes>${entries.join("")}</Attributes>`;
	}

	#subscribe(parameters: Readonly<Record<string, string>>): string | SnsError {
		const topic = this.topics.get(parameters.TopicArn ?? "");
		if (topic === undefined) return NO_TOPIC;
		const { Protocol, Endpoint = "" } = parameters;
		if (Protocol !== "email" || !Endpoint.includes("@")) {
			return invalid("Email address");
		}
		topic.address = Endpoint;
		topic.subscription = this.confirmsAtOnce ? "confirmed" : "pending";
		return "<SubscriptionArn>pending confirmation</SubscriptionArn>";
	}

	#publish(parameters: Readonly<Record<string, string>>): string | SnsError {
		const { Message = "", Subject, MessageStructure } = parameters;
		if (Message === "") return invalid("Empty message");
		if (Subject !== undefined && !/^[^\p{Cc}]{1,99}$/u.test(Subject)) {
			return invalid("Subject");
		}
		if (MessageStructure === "json") {
			const texts = JSON.parse(Message) as Record<string, unknown>;
			if (typeof texts.default !== "string") {
				return invalid("Message Structure - No default entry in JSON");
			}
		}
		const failure = this.#targetFailure(parameters);
		if (failure !== null) return failure;
		this.published.push(parameters);
		return `<MessageId>${this.published.length}</MessageId>`;
	}

	#targetFailure(
		parameters: Readonly<Record<string, string>>,
	): SnsError | null {
		if (parameters.TopicArn !== undefined) {
			return this.topics.has(parameters.TopicArn) ? null : NO_TOPIC;
		}
		const endpoint = this.endpoints.get(parameters.TargetArn ?? "");
		if (endpoint === undefined) {
			return invalid(
				"TargetArn Reason: No endpoint found for the target arn specified",
			);
		}
		return endpoint.enabled
			? null
			: {
					status: 400,
					code: "EndpointDisabled",
					message: "Endpoint is disabled",
				};
	}

	#createEndpoint(
		parameters: Readonly<Record<string, string>>,
	): string | SnsError {
		const { PlatformApplicationArn = "", Token = "" } = parameters;
		if (Token === "bad") {
			return invalid(
				"Token Reason: iOS device tokens must be no more than 400 hexadecimal characters",
			);
		}
		for (const [arn, { token, enabled }] of this.endpoints) {
			if (token !== Token) continue;
			return enabled
				? `<EndpointArn>${arn}</EndpointArn>`
				: invalid(
						`Token Reason: Endpoint ${arn} already exists with the same Token, but different attributes.`,
					);
		}
		const id = `${this.endpoints.size + 1}`.padStart(12, "0");
		const arn = `${PlatformApplicationArn.replace(":app/", ":endpoint/")}/${id}`;
		this.endpoints.set(arn, { token: Token, enabled: true });
		return `<EndpointArn>${arn}</EndpointArn>`;
	}

	#setEndpoint(
		parameters: Readonly<Record<string, string>>,
	): string | SnsError {
		const endpoint = this.endpoints.get(parameters.EndpointArn ?? "");
		if (endpoint === undefined) {
			return {
				status: 404,
				code: "NotFound",
				message: "Endpoint does not exist",
			};
		}
		const { Token, Enabled } = mapOf(parameters, "Attributes");
		if (Token !== undefined) endpoint.token = Token;
		if (Enabled !== undefined) endpoint.enabled = Enabled === "true";
		return "";
	}
}

const NO_TOPIC: SnsError = {
	status: 404,
	code: "NotFound",
	message: "Topic does not exist",
};

function invalid(
	what: string,
	status = 400,
	code = "InvalidParameter",
): SnsError {
	return { status, code, message: `Invalid parameter: ${what}` };
}

/** A map as the query protocol writes it: `Attributes.entry.1.key`, `Attributes.entry.1.value`. */
function mapOf(
	parameters: Readonly<Record<string, string>>,
	name: string,
): Record<string, string> {
	const map: Record<string, string> = {};
	for (let i = 1; `${name}.entry.${i}.key` in parameters; i++) {
		const key = parameters[`${name}.entry.${i}.key`] ?? "";
		map[key] = parameters[`${name}.entry.${i}.value`] ?? "";
	}
	return map;
}

function resultReply(action: string, result: string): HttpReply {
	return xmlReply(
		200,
		`<${action}Response xmlns="${NAMESPACE}"><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></${action}Response>`,
	);
}

function errorReply({ status, code, message }: SnsError): HttpReply {
	const type = status >= 500 ? "Receiver" : "Sender";
	return xmlReply(
		status,
		`<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
	);
}

function xmlReply(status: number, body: string): HttpReply {
	return { status, headers: { "Content-Type": "text/xml" }, body };
}
