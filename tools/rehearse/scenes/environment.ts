/** A function whose environment lacks something does not start, and says what it lacks. */
import { type FunctionDefinition, LambdaFunction } from "../lambda.ts";
import type { Stage } from "../stage.ts";

export async function environment({ world, transcript }: Stage): Promise<void> {
	const told = await Promise.all(
		world.functions.map(({ definition }) => withoutTables(definition)),
	);
	for (const { name, names, failure } of told) {
		transcript.check(
			failure !== null && names.every((one) => failure.message.includes(one)),
			`${name} does not start without ${names.join(" and ")}, and names them`,
			failure?.message ?? "it started",
		);
	}
}

/** @returns what it lacked, and why it does not start; null when it does */
async function withoutTables(definition: FunctionDefinition) {
	const names = Object.keys(definition.environment).filter((name) =>
		name.endsWith("_TABLE"),
	);
	const bare = new LambdaFunction(
		{
			...definition,
			environment: Object.fromEntries(
				Object.entries(definition.environment).filter(
					([name]) => !names.includes(name),
				),
			),
		},
		"AKIANOBODY",
		{},
		{},
	);
	const failure = await bare.start();
	await bare.stop();
	return { name: definition.name, names, failure };
}
