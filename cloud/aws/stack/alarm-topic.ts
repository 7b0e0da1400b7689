/** Who is told when the stack itself is not well: alarms, findings of the audit. People's own alerts go elsewhere. */
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { STACK_NAME } from "../names.ts";

/** @param email that is told, once its owner has confirmed; null for a topic that nobody listens to yet */
export function alarmTopic(
	scope: Construct,
	id: string,
	email: string | null,
): Topic {
	const topic = new Topic(scope, id, {
		topicName: `${STACK_NAME}-alarms`,
		displayName: `${STACK_NAME} alarms`,
		enforceSSL: true,
	});
	if (email !== null) topic.addSubscription(new EmailSubscription(email));
	return topic;
}
