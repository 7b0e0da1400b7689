/** What leads where, as the template has it, and what of that can be judged by reading. */
import { printRuleSql } from "../../../cloud/aws/rule-sql/print.ts";
import type { Stage } from "../stage.ts";

export async function wiring({ world, transcript }: Stage): Promise<void> {
	for (const { name, statement, actions, errorAction } of world.rules.all) {
		const targets = actions.map(({ queue }) => `queue ${queue.name}`);
		transcript.step(
			`rule ${name} → ${targets.join(", ")}, else queue ${errorAction.queue.name}: ${printRuleSql(statement)}`,
		);
	}
	for (const poller of world.pollers) {
		const { source, batchSize, filter } = poller;
		transcript.step(
			`${source} → function ${poller.function.definition.name}, ${batchSize} at a time${filter === null ? "" : `, of what meets ${filter}`}`,
		);
	}
	for (const route of world.api.routes) transcript.step(`API: ${route}`);

	const fed = new Set(
		world.pollers.map(({ source }) => source.replace("queue ", "")),
	);
	for (const queue of world.queues.filter(({ name }) => fed.has(name))) {
		transcript.check(
			queue.redrive !== null,
			`${queue.name} gives up on a message after ${queue.redrive?.maxReceiveCount} attempts, to ${queue.redrive?.deadLetters.name}`,
		);
	}
	const failures = await Promise.all(
		world.functions.map(async (one) => ({
			name: one.definition.name,
			failure: await one.start(),
		})),
	);
	for (const { name, failure } of failures) {
		transcript.check(
			failure === null,
			`${name} loads with the environment that the template gives it`,
			failure?.message,
		);
	}
}
