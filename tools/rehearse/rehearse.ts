/** Plays all scenes, one after the other, on one stage. */
import type { Assembly } from "./assembly.ts";
import { alerts } from "./scenes/alerts.ts";
import { environment } from "./scenes/environment.ts";
import { firmware } from "./scenes/firmware.ts";
import {
	crash,
	failingForEver,
	poison,
	throttledForAWhile,
	twice,
	unreachableQueue,
} from "./scenes/ingest-faults.ts";
import { nodeToReadings } from "./scenes/node.ts";
import { people } from "./scenes/people.ts";
import { presence, provisioning } from "./scenes/provisioning.ts";
import { strangers } from "./scenes/strangers.ts";
import { wiring } from "./scenes/wiring.ts";
import { Stage } from "./stage.ts";
import type { Transcript } from "./transcript.ts";

type Scene = (stage: Stage) => Promise<void>;

const SCENES: Readonly<Record<string, Scene>> = {
	"What leads where": wiring,
	"A node's blocks become readings": nodeToReadings,
	"A node becomes a thing": provisioning,
	"A thing comes and goes": presence,
	"Who may see what": people,
	"What things may not do": strangers,
	"A poison block in a batch": poison,
	"DynamoDB throttles for a while": throttledForAWhile,
	"DynamoDB fails for ever": failingForEver,
	"Messages come twice": twice,
	"A rule cannot reach its queue": unreachableQueue,
	"A function dies in the middle of a batch": crash,
	"An alert fires and is told": alerts,
	"A job names firmware": firmware,
	"A variable is missing": environment,
};

/**
 * @param only what the titles of the scenes to play have in them; empty: all are played
 * @throws RehearsalError when the template cannot be put up at all
 */
export async function rehearse(
	assembly: Assembly,
	transcript: Transcript,
	only = "",
): Promise<void> {
	const stage = await Stage.set(assembly, transcript);
	try {
		for (const [title, play] of Object.entries(SCENES)) {
			if (!title.includes(only)) continue;
			await transcript.scene(title, () => play(stage));
		}
		await transcript.scene("What was done, and was allowed", () =>
			permissions(stage),
		);
	} finally {
		await stage.clear();
	}
}

async function permissions({ world, transcript }: Stage): Promise<void> {
	for (const { name, delivered, failed } of world.rules.all) {
		transcript.step(
			`rule ${name}: ${delivered} messages delivered, ${failed} to its error action`,
		);
	}
	for (const { source, function: called, taken, failed } of world.pollers) {
		transcript.step(
			`${source} → ${called.definition.name}: ${taken} taken, ${failed} handed over again`,
		);
	}
	for (const { definition, succeeded, failed } of world.functions) {
		transcript.step(
			`function ${definition.name}: ${succeeded} invocations, ${failed} failed`,
		);
	}
	const { refusals, uses } = world.permissions;
	transcript.check(
		refusals.size === 0,
		`all ${uses.size} kinds of calls between the parts were allowed by the template's roles`,
		[...refusals],
	);
}
