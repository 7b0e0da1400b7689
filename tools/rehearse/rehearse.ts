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
import { jobs } from "./scenes/jobs.ts";
import { nodeToReadings } from "./scenes/node.ts";
import { people } from "./scenes/people.ts";
import { presence, provisioning } from "./scenes/provisioning.ts";
import {
	blocksBecomeRows,
	databaseAway,
	databaseAwayForADay,
	rowsRefused,
	timesLearnedLater,
} from "./scenes/rows.ts";
import { shadows } from "./scenes/shadows.ts";
import { signIn } from "./scenes/sign-in.ts";
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
	"Somebody signs in": signIn,
	"What things may not do": strangers,
	"A poison block in a batch": poison,
	"DynamoDB throttles for a while": throttledForAWhile,
	"DynamoDB fails for ever": failingForEver,
	"Messages come twice": twice,
	"A rule cannot reach its queue": unreachableQueue,
	"A function dies in the middle of a batch": crash,
	"An alert fires and is told": alerts,
	"Somebody sets a shadow": shadows,
	"A job names firmware": firmware,
	"A job ends on a device": jobs,
	"A variable is missing": environment,
};

/** For a stack that has a database of rows. */
const ROW_SCENES: Readonly<Record<string, Scene>> = {
	"Blocks become rows": blocksBecomeRows,
	"Rows of a boot that learns the time": timesLearnedLater,
	"The database of rows is away": databaseAway,
	"The database of rows is away for a day": databaseAwayForADay,
	"The database of rows refuses some": rowsRefused,
};

export interface RehearsalOptions {
	/** What the titles of the scenes to play have in them; empty: all are played. */
	readonly only?: string;
	/** Plays alone what a database of rows adds: all else was played on a stack without one. */
	readonly rowsOnly?: boolean;
}

/** @throws RehearsalError when the template cannot be put up at all */
export async function rehearse(
	assembly: Assembly,
	transcript: Transcript,
	{ only = "", rowsOnly = false }: RehearsalOptions = {},
): Promise<void> {
	const stage = await Stage.set(assembly, transcript);
	const { rowDatabase } = stage.world;
	try {
		for (const [title, play] of Object.entries({
			...(rowsOnly ? {} : SCENES),
			...(rowDatabase === null ? {} : ROW_SCENES),
		})) {
			if (!title.includes(only)) continue;
			await transcript.scene(
				rowsOnly && rowDatabase !== null
					? `${rowDatabase.name}: ${title}`
					: title,
				() => play(stage),
			);
		}
		await transcript.scene("What was done, and was allowed", () =>
			permissions(stage),
		);
	} finally {
		await stage.clear();
	}
}

/** What took no part is left out. */
async function permissions({ world, transcript }: Stage): Promise<void> {
	for (const { name, delivered, failed } of world.rules.all) {
		if (delivered + failed === 0) continue;
		transcript.step(
			`rule ${name}: ${delivered} messages delivered, ${failed} to its error action`,
		);
	}
	for (const { source, function: called, taken, failed } of world.pollers) {
		if (taken + failed === 0) continue;
		transcript.step(
			`${source} → ${called.definition.name}: ${taken} taken, ${failed} handed over again`,
		);
	}
	for (const { definition, succeeded, failed } of world.functions) {
		if (succeeded + failed === 0) continue;
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
