/** From a block to rows in a database: by the stream of the blocks table, in its own time, and without holding ingest up. */
import { ROWS_REFUSED } from "../../../cloud/aws/names.ts";
import { makeBlocks } from "../blocks.ts";
import { isObject } from "../json.ts";
import { countByFilters } from "../metric-filters.ts";
import { type Poller, RETRY_MS } from "../pollers.ts";
import type { RowDatabase } from "../row-database.ts";
import type { Stage } from "../stage.ts";
import { readings } from "./node.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export async function blocksBecomeRows(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const database = databaseOf(stage);
	const { source, batchSize, filter } = pollerOf(stage);
	transcript.step(
		`${source} → function thinghz-rows, ${batchSize} at a time, of what meets ${filter}`,
	);
	const thing = "greenhouse";
	await stage.makeThing(thing);
	const { payloads, rows } = makeBlocks(21, 3, Date.now() - HOUR_MS);
	for (const payload of payloads) stage.publishBlock(thing, payload);
	await world.settle();
	transcript.equal(
		await database.rowsOf(thing),
		rows,
		`${rows.length} readings of ${payloads.length} blocks are rows of ${database.name}, each at its time`,
	);
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	const read = await readings(stage, token, thing, "x");
	transcript.equal(
		read.map(({ time, value }) => [Date.parse(time), value]),
		rows.map(({ timeMs, value }) => [timeMs, value]),
		"and what the API reads of the blocks",
	);
	for (const payload of payloads) stage.publishBlock(thing, payload);
	await world.settle();
	transcript.equal(
		await database.rowsOf(thing),
		rows,
		"the blocks come again: no row is there twice",
	);
}

export async function timesLearnedLater(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const database = databaseOf(stage);
	const thing = "shelter";
	await stage.makeThing(thing);
	const { payloads, rows } = makeBlocks(
		22,
		2,
		Date.now() - HOUR_MS,
		(block) => block > 0,
	);
	const [first = new Uint8Array(), second = new Uint8Array()] = payloads;
	stage.publishBlock(thing, first);
	await world.settle();
	transcript.equal(
		await database.rowsOf(thing),
		[],
		"a block whose node did not know the time yet has no rows: they get final times alone",
	);
	stage.publishBlock(thing, second);
	await world.settle();
	transcript.equal(
		await database.rowsOf(thing),
		rows,
		"the next of that boot tells it: the rows of both are there",
	);
}

export async function databaseAway(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const database = databaseOf(stage);
	const thing = "orchard";
	await stage.makeThing(thing);
	const { payloads, values, rows } = makeBlocks(23, 3, Date.now() - HOUR_MS);
	const before = {
		taken: pollerOf(stage).taken,
		letters: lettersOf(stage).length,
	};
	await database.stop();
	for (const payload of payloads) stage.publishBlock(thing, payload);
	await world.settle();
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	const read = await readings(stage, token, thing, "x");
	transcript.equal(
		read.map(({ value }) => value),
		values.flat(),
		`${database.name} is away: the blocks are stored all the same, and the API has their readings`,
	);
	const function_ = world.function("rows");
	transcript.check(
		function_.log.some((line) => line.includes("rows_not_written")),
		"the rows function says that it has not written them, and reports the records as failed",
		function_.log.slice(-3),
	);
	world.advance(RETRY_MS);
	await world.settle();
	transcript.equal(
		{ taken: pollerOf(stage).taken, letters: lettersOf(stage).length },
		before,
		"the stream waits at them, attempt for attempt: none was taken for done, none given up",
	);
	await database.start();
	world.advance(RETRY_MS);
	await world.settle();
	transcript.equal(
		await database.rowsOf(thing),
		rows,
		"once it is back, every row is there",
	);
}

export async function databaseAwayForADay(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const database = databaseOf(stage);
	const thing = "pond";
	await stage.makeThing(thing);
	const { payloads, values, rows } = makeBlocks(24, 3, Date.now() - HOUR_MS);
	const [first, second, third] = payloads;
	await database.stop();
	for (const payload of [first, second]) {
		stage.publishBlock(thing, payload ?? new Uint8Array());
	}
	await world.settle();
	const before = lettersOf(stage).length;
	world.advance(DAY_MS + HOUR_MS);
	await world.settle();
	transcript.equal(
		lettersOf(stage).slice(before),
		// Two blocks, and what was learned of their boot.
		[{ condition: "RecordAgeExceeded", batchSize: 3 }],
		"what it could not take for a day is given up; where that stands in the stream is in thinghz-rows-dead-letters, which an alarm watches",
	);
	await database.start();
	stage.publishBlock(thing, third ?? new Uint8Array());
	await world.settle();
	transcript.equal(
		await database.rowsOf(thing),
		rows.slice(-(values[2]?.length ?? 0)),
		"the next block's rows are written: the stream goes on",
	);
	const token = await stage.token({ subject: "olga", groups: ["operator"] });
	const read = await readings(stage, token, thing, "x");
	transcript.equal(
		read.map(({ value }) => value),
		values.flat(),
		"and the readings of all are in the blocks",
	);
}

export async function rowsRefused(stage: Stage): Promise<void> {
	const { world, transcript } = stage;
	const database = databaseOf(stage);
	const thing = "quarry";
	await stage.makeThing(thing);
	const longAgoMs = Date.now() - 200 * DAY_MS;
	await database.refuse(longAgoMs);
	const old = makeBlocks(25, 1, longAgoMs);
	const fresh = makeBlocks(26, 2, Date.now() - HOUR_MS);
	const [freshFirst = new Uint8Array(), freshLast = new Uint8Array()] =
		fresh.payloads;
	for (const payload of [freshFirst, ...old.payloads, freshLast]) {
		stage.publishBlock(thing, payload);
	}
	await world.settle();
	transcript.equal(
		await database.rowsOf(thing),
		fresh.rows,
		`a block that ${database.name} does not take is among three: the rows of the others are there`,
	);
	const { log, definition } = world.function("rows");
	const said = log.find((line) => line.includes(ROWS_REFUSED));
	transcript.check(
		said?.includes(thing) === true,
		"the function says which block was refused, and why",
		said,
	);
	const counted = countByFilters(world.template, "RowsRefused", (logGroup) =>
		logGroup === `/aws/lambda/${definition.name}` ? log : [],
	);
	transcript.equal(counted, 1, "and an alarm's metric counts it");
}

function databaseOf({ world }: Stage): RowDatabase {
	const { rowDatabase } = world;
	if (rowDatabase !== null) return rowDatabase;
	throw new Error("The template has no database of rows.");
}

/** What hands records to the rows function. */
function pollerOf({ world }: Stage): Poller {
	const { definition } = world.function("rows");
	const poller = world.pollers.find(
		(one) => one.function.definition === definition,
	);
	if (poller !== undefined) return poller;
	throw new Error("Nothing hands anything to the rows function.");
}

/** What Lambda has put beside for the rows function. */
function lettersOf({ world }: Stage) {
	return world.queue("rows-dead-letters").bodies.map((body) => {
		const { requestContext, DDBStreamBatchInfo } = JSON.parse(body) as Record<
			string,
			unknown
		>;
		return {
			condition: isObject(requestContext) ? requestContext.condition : null,
			batchSize: isObject(DDBStreamBatchInfo)
				? DDBStreamBatchInfo.batchSize
				: null,
		};
	});
}
