/** A rule of IoT Core that puts what it selects into a queue, and what could not be put there into another. */
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnTopicRule } from "aws-cdk-lib/aws-iot";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { RULE_SQL_VERSION } from "../messages.ts";
import { checkRule, type RulePayload } from "../rule-sql/check.ts";

export interface TopicRuleProps {
	readonly name: string;
	readonly about: string;
	readonly sql: string;
	readonly payload: RulePayload;
	/** Whether nothing reaches it but what is published to `$aws/rules/NAME/…`. */
	readonly basicIngestOnly: boolean;
	readonly queue: Queue;
	/** Another queue that each message goes into as well. */
	readonly alsoTo?: Queue;
	/** Of the error action: without one, what a rule cannot deliver is gone after a few attempts. */
	readonly deadLetters: Queue;
}

/** @throws RuleSqlError when its SQL is none that is known to do what it is for */
export class TopicRule extends Construct {
	constructor(scope: Construct, id: string, props: TopicRuleProps) {
		super(scope, id);
		const { deadLetters, alsoTo } = props;
		const queues = [props.queue, ...(alsoTo === undefined ? [] : [alsoTo])];
		checkRule({
			...props,
			sqlVersion: RULE_SQL_VERSION,
			actions: queues.map(() => "sqs" as const),
		});
		const role = new Role(this, "Role", {
			assumedBy: new ServicePrincipal("iot.amazonaws.com"),
			description: `What the rule ${props.name} may do: send to its ${queues.length > 1 ? "queues" : "queue"} and to its dead letters`,
		});
		const send = new PolicyStatement({
			actions: ["sqs:SendMessage"],
			resources: [...queues, deadLetters].map(({ queueArn }) => queueArn),
		});
		role.addToPolicy(send);
		const sendTo = ({ queueUrl }: Queue) => ({
			sqs: { queueUrl, roleArn: role.roleArn, useBase64: false },
		});
		const rule = new CfnTopicRule(this, "Rule", {
			ruleName: props.name,
			topicRulePayload: {
				description: props.about,
				sql: props.sql,
				awsIotSqlVersion: RULE_SQL_VERSION,
				actions: queues.map(sendTo),
				errorAction: sendTo(deadLetters),
				ruleDisabled: false,
			},
		});
		// The rule may run as soon as it is there: its role has to be able to send by then.
		rule.node.addDependency(role);
	}
}
