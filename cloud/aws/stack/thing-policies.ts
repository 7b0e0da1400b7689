/**
 * What a thing may do on AWS IoT Core, as policy documents: what it may on one machine (`cloud/local/broker`), and the
 * topics of shadows, jobs, streams and rotation, which AWS answers. A thing reaches nothing but what bears its own name.
 *
 * `iot:Connection.Thing.ThingName` has a value only for a client whose id is the name of a thing that its certificate
 * is attached to; for any other, no resource that names it matches:
 * https://docs.aws.amazon.com/iot/latest/developerguide/thing-policy-variables.html
 */
import {
	CLAIM_CLIENT_PREFIX,
	PROVISIONING_ANSWERS,
	PROVISIONING_REQUESTS,
} from "../../../protocol/provisioning.ts";
import { blockTopic, eventTopic, liveTopic } from "../../../protocol/topics.ts";

/** The thing that is connected, in a policy's resource. */
export const OWN_NAME = `\${iot:Connection.Thing.ThingName}`;

export interface PolicyStatement {
	readonly Effect: "Allow";
	readonly Action: string | readonly string[];
	readonly Resource: readonly string[];
	readonly Condition?: Readonly<
		Record<string, Readonly<Record<string, string>>>
	>;
}

export interface PolicyDocument {
	readonly Version: "2012-10-17";
	readonly Statement: readonly PolicyStatement[];
}

/** Makes the ARN of an IoT resource: `arn("topic", "thinghz/x/live")`. */
export type IotArn = (
	type: "client" | "topic" | "topicfilter",
	name: string,
) => string;

/** By the policies' names, in the order of `THING_POLICIES`. */
export function thingPolicies(
	arn: IotArn,
): Readonly<Record<string, PolicyDocument>> {
	return {
		"thinghz-thing": policy(
			{
				Effect: "Allow",
				Action: "iot:Connect",
				Resource: [arn("client", OWN_NAME)],
				Condition: { Bool: { "iot:Connection.Thing.IsAttached": "true" } },
			},
			publish(
				arn,
				blockTopic(OWN_NAME),
				eventTopic(OWN_NAME),
				liveTopic(OWN_NAME),
			),
		),
		"thinghz-thing-shadows": policy(
			// `*` is the shadow's name. What it ends in keeps it from the answers: …/accepted, /rejected, /delta, /documents.
			publish(
				arn,
				own("shadow/get"),
				own("shadow/update"),
				own("shadow/name/*/get"),
				own("shadow/name/*/update"),
			),
			...answers(arn, own("shadow/*")),
		),
		"thinghz-thing-jobs": policy(
			// `*` is a job's id, and a stream's.
			publish(
				arn,
				own("jobs/get"),
				own("jobs/start-next"),
				own("jobs/*/get"),
				own("jobs/*/update"),
				own("streams/*/describe/json"),
				own("streams/*/get/json"),
			),
			...answers(arn, own("jobs/*"), own("streams/*")),
		),
		"thinghz-thing-rotation": policy(...provisioning(arn)),
	};
}

/**
 * What a claim certificate may do, which many nodes share before they have one of their own: get a certificate, and
 * register as a thing where the hook allows it.
 */
export function claimPolicy(arn: IotArn): PolicyDocument {
	return policy(
		{
			Effect: "Allow",
			Action: "iot:Connect",
			// Its holders have no thing yet, so each makes up a client id.
			Resource: [arn("client", `${CLAIM_CLIENT_PREFIX}*`)],
		},
		...provisioning(arn),
	);
}

function own(rest: string): string {
	return `$aws/things/${OWN_NAME}/${rest}`;
}

/** A certificate, and a thing for the certificate. */
function provisioning(arn: IotArn): readonly PolicyStatement[] {
	return [
		publish(arn, ...PROVISIONING_REQUESTS),
		...answers(arn, ...PROVISIONING_ANSWERS),
	];
}

function publish(arn: IotArn, ...topics: readonly string[]): PolicyStatement {
	return {
		Effect: "Allow",
		Action: "iot:Publish",
		Resource: topics.map((topic) => arn("topic", topic)),
	};
}

/** To subscribe to and receive: a filter is a resource of its own type. */
function answers(
	arn: IotArn,
	...topics: readonly string[]
): readonly PolicyStatement[] {
	return [
		{
			Effect: "Allow",
			Action: "iot:Subscribe",
			Resource: topics.map((topic) => arn("topicfilter", topic)),
		},
		{
			Effect: "Allow",
			Action: "iot:Receive",
			Resource: topics.map((topic) => arn("topic", topic)),
		},
	];
}

function policy(...statements: readonly PolicyStatement[]): PolicyDocument {
	return { Version: "2012-10-17", Statement: statements };
}
