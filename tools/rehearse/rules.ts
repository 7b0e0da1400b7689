/**
 * The rules engine of AWS IoT for a rehearsal: which of the template's rules a message reaches, what they make of it, and
 * where that goes. https://docs.aws.amazon.com/iot/latest/developerguide/iot-rules.html
 */
import { randomUUID } from "node:crypto";
import { checkRule } from "../../cloud/aws/rule-sql/check.ts";
import { RuleSqlError } from "../../cloud/aws/rule-sql/errors.ts";
import {
	basicIngest,
	evaluateRule,
} from "../../cloud/aws/rule-sql/evaluate.ts";
import type { Statement } from "../../cloud/aws/rule-sql/statement.ts";
import { RehearsalError } from "./errors.ts";
import type { FrontMessage } from "./iot-front.ts";
import { isObject, listIn, objectIn, textIn } from "./json.ts";
import type { Permissions } from "./permissions.ts";
import type { Queue } from "./queue.ts";
import type { Template } from "./template.ts";

interface SqsAction {
	readonly queue: Queue;
	readonly roleArn: string;
	readonly useBase64: boolean;
}

export interface Rule {
	readonly name: string;
	readonly sql: string;
	readonly statement: Statement;
	readonly actions: readonly SqsAction[];
	readonly errorAction: SqsAction;
	/** Messages that its actions were run for, and that its error action was. */
	delivered: number;
	failed: number;
}

export class Rules {
	readonly all: readonly Rule[];
	/** Set to make sending to a queue fail, as when SQS cannot be reached. */
	unreachable: Queue | null = null;
	readonly #permissions: Permissions;

	/** @throws RehearsalError bad_wiring; RuleSqlError */
	constructor(
		template: Template,
		queues: readonly Queue[],
		permissions: Permissions,
	) {
		this.#permissions = permissions;
		this.all = template.ofType("AWS::IoT::TopicRule").map((resource): Rule => {
			const { RuleName, TopicRulePayload } = template.properties(resource);
			const payload = objectIn(TopicRulePayload, resource.id);
			const name = textIn(RuleName, `${resource.id}.RuleName`);
			const sql = textIn(payload.Sql, `${name}: Sql`);
			if (payload.RuleDisabled === true) {
				throw new RehearsalError("bad_wiring", `Rule ${name} is disabled.`);
			}
			const actions = listIn(payload.Actions, `${name}: Actions`).map(
				(action) => readAction(action, name, queues),
			);
			// What is published to a topic of Basic Ingest may be any bytes; other topics of ours carry JSON.
			const isDirect = !/\bFROM\b/i.test(sql);
			return {
				name,
				sql,
				statement: checkRule({
					name,
					sql,
					sqlVersion:
						payload.AwsIotSqlVersion === undefined
							? undefined
							: textIn(payload.AwsIotSqlVersion, name),
					payload: isDirect ? "binary" : "json",
					basicIngestOnly: isDirect,
					actions: actions.map(() => "sqs"),
				}),
				actions,
				errorAction: readAction(payload.ErrorAction, name, queues),
				delivered: 0,
				failed: 0,
			};
		});
	}

	/** @returns names of the rules that a message reached */
	publish(message: FrontMessage): readonly string[] {
		const direct = basicIngest(message.topic);
		if (direct !== null && !this.all.some(({ name }) => name === direct.rule)) {
			throw new RehearsalError(
				"bad_wiring",
				`${message.clientId} published to ${message.topic}, and there is no rule ${direct.rule}: AWS IoT would drop the message.`,
			);
		}
		return this.all
			.filter((rule) => this.#run(rule, message))
			.map(({ name }) => name);
	}

	#run(rule: Rule, message: FrontMessage): boolean {
		let output: Uint8Array | null;
		try {
			output = evaluateRule(rule.name, rule.statement, {
				...message,
				timestampMs: Date.now(),
			});
		} catch (error) {
			if (!(error instanceof RuleSqlError)) throw error;
			this.#fail(rule, message, "RuleEvaluation", error.message);
			return true;
		}
		if (output === null) return false;
		const body = Buffer.from(output);
		for (const action of rule.actions) {
			const failure = this.#send(rule.name, action, body);
			if (failure === null) rule.delivered++;
			else this.#fail(rule, message, action.queue.name, failure);
		}
		return true;
	}

	/** @returns why it could not be sent; null when it was */
	#send(rule: string, action: SqsAction, body: Buffer): string | null {
		const { queue, roleArn, useBase64 } = action;
		const may = this.#permissions.may(
			`Rule ${rule}`,
			roleArn,
			"iot.amazonaws.com",
			"sqs:SendMessage",
			queue.arn,
		);
		if (!may) return "Access to the queue is denied.";
		if (this.unreachable === queue) return "The queue cannot be reached.";
		queue.send(body.toString(useBase64 ? "base64" : "utf8"));
		return null;
	}

	/** https://docs.aws.amazon.com/iot/latest/developerguide/rule-error-handling.html ("Error action message format") */
	#fail(
		rule: Rule,
		{ topic, clientId, payload }: FrontMessage,
		failedResource: string,
		errorMessage: string,
	): void {
		rule.failed++;
		const failure = this.#send(
			rule.name,
			rule.errorAction,
			Buffer.from(
				JSON.stringify({
					ruleName: rule.name,
					topic: basicIngest(topic)?.topic ?? topic,
					cloudwatchTraceId: randomUUID(),
					clientId,
					base64OriginalPayload: Buffer.from(payload).toString("base64"),
					failures: [
						{ failedAction: "SqsAction", failedResource, errorMessage },
					],
				}),
			),
		);
		if (failure === null) return;
		throw new RehearsalError(
			"failed",
			`Rule ${rule.name} lost a message of ${clientId}: its error action failed, too. ${failure}`,
		);
	}
}

function readAction(
	value: unknown,
	rule: string,
	queues: readonly Queue[],
): SqsAction {
	const { Sqs } = objectIn(value, `${rule}: an action`);
	if (!isObject(Sqs)) {
		throw new RehearsalError(
			"bad_wiring",
			`Rule ${rule} has an action other than to a queue, or no error action: ${JSON.stringify(value)}`,
		);
	}
	const url = textIn(Sqs.QueueUrl, `${rule}: QueueUrl`);
	const queue = queues.find((one) => one.url === url);
	if (queue === undefined) {
		throw new RehearsalError(
			"bad_wiring",
			`Rule ${rule} sends to ${url}, which is no queue of the template.`,
		);
	}
	return {
		queue,
		roleArn: textIn(Sqs.RoleArn, `${rule}: RoleArn`),
		useBase64: Sqs.UseBase64 === true,
	};
}
