/** A function whose environment lacks something does not start, and says what it lacks. */
import { LambdaFunction } from "../lambda.ts";
import type { Stage } from "../stage.ts";

export async function environment({ world, transcript }: Stage): Promise<void> {
	for (const { definition } of world.functions) {
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
		transcript.check(
			failure !== null && names.every((name) => failure.message.includes(name)),
			`${definition.name} does not start without ${names.join(" and ")}, and names them`,
			failure?.message ?? "it started",
		);
	}
}
