/** Who is told when the stack itself is not well: alarms, findings of the audit. People's own alerts go elsewhere. */
import { ArnFormat, Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
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
	// A topic with a policy of its own has lost the one by which alarms of the account may publish to it.
	const stack = Stack.of(scope);
	topic.addToResourcePolicy(
		new PolicyStatement({
			principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
			actions: ["sns:Publish"],
			resources: [topic.topicArn],
			conditions: {
				StringEquals: { "aws:SourceAccount": stack.account },
				ArnLike: {
					"aws:SourceArn": stack.formatArn({
						service: "cloudwatch",
						resource: "alarm",
						resourceName: `${STACK_NAME}-*`,
						arnFormat: ArnFormat.COLON_RESOURCE_NAME,
					}),
				},
			},
		}),
	);
	if (email !== null) topic.addSubscription(new EmailSubscription(email));
	return topic;
}
