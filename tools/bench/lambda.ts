/**
 * The ingest function as it is deployed: its bundle's size, what loading it takes in a fresh Node process, and how many
 * blocks a second its handler prepares for DynamoDB on one core.
 * On its own: `npx tsx tools/bench/lambda.ts`
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Context, SQSEvent } from "aws-lambda";
import { dynamoStores } from "../../cloud/aws/adapters/dynamodb/stores.ts";
import {
	blockRuleMessage,
	lambdaContext,
	sqsEvent,
} from "../../cloud/aws/fakes/events.ts";
import { ingestHandler } from "../../cloud/aws/ingest.ts";
import type { Log } from "../../cloud/aws/log.ts";
import { Alerts } from "../../cloud/core/alerts/alerts.ts";
import { LiveHub } from "../../cloud/core/live-hub.ts";
import { buildLambda } from "../build/lambda.ts";
import { type BenchResult, formatResult } from "./result.ts";
import { encodedWeather } from "./weather-blocks.ts";

const LOADS = 15;
const THINGS = 50;
const SAMPLES = 300;
/** Of a thing: a day's. */
const BLOCKS = 288;
/** The stack's: messages of one invocation. */
const BATCH = 100;
const ROUNDS = 5;

/** Takes about 10 s. */
export async function benchLambda(): Promise<BenchResult[]> {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-bench-lambda-"));
	try {
		const [bundle] = await buildLambda(dir, ["ingest"]);
		if (bundle === undefined) throw new Error("There is no ingest function.");
		const loads = Array.from({ length: LOADS }, () => loadOnce(bundle.path));
		const empty = Array.from({ length: LOADS }, () => loadOnce(null));
		const rate = await measureRate();
		return [
			{
				name: "Ingest function: bundle",
				value: bundle.sizeBytes / 1000,
				unit: "kB",
				target: { op: "<=", value: 400 },
				note: "minified, the SDK's DynamoDB client included, not compressed",
			},
			{
				name: "Ingest function: load",
				value: median(loads.map(({ loadMs }) => loadMs)),
				unit: "ms",
				target: { op: "<=", value: 150 },
				note: `import of the bundle, the client made, in a fresh Node process: median of ${LOADS}`,
			},
			{
				name: "Ingest function: load, processor time",
				value: median(loads.map(({ cpuMs }) => cpuMs)),
				unit: "ms",
				note: "of the same, on all cores",
			},
			{
				name: "Ingest function: memory after loading",
				value: median(loads.map(({ rssMb }) => rssMb)),
				unit: "MB",
				target: { op: "<=", value: 60 },
				note: `resident, of which Node without anything loaded has ${median(empty.map(({ rssMb }) => rssMb)).toFixed(1)}: medians of ${LOADS}`,
			},
			{
				name: "Ingest function: blocks prepared",
				value: rate,
				unit: "blocks/s",
				target: { op: ">=", value: 20_000 },
				note: `of ${SAMPLES} × 3 values, from SQS batches of ${BATCH} to the items of PutItem, every value decoded, a second of processor time (garbage collection included), best of ${ROUNDS} rounds; stubbed: the client's \`send\` (what makes HTTP of items, signs and sends it)`,
			},
		];
	} finally {
		rmSync(dir, { recursive: true });
	}
}

/** @param path of a bundle; null for Node alone */
function loadOnce(path: string | null): {
	readonly loadMs: number;
	readonly cpuMs: number;
	readonly rssMb: number;
} {
	const load =
		path === null
			? ""
			: `await import(${JSON.stringify(pathToFileURL(path))});`;
	const script = `
		const before = process.cpuUsage();
		const start = performance.now();
		${load}
		const loadMs = performance.now() - start;
		const { user, system } = process.cpuUsage(before);
		const rssMb = process.memoryUsage.rss() / 1e6;
		console.log(JSON.stringify({ loadMs, cpuMs: (user + system) / 1000, rssMb }));`;
	const text = execFileSync(
		process.execPath,
		["--input-type=module", "--eval", script],
		{
			encoding: "utf8",
			env: {
				AWS_REGION: "eu-central-1",
				AWS_ACCESS_KEY_ID: "none",
				AWS_SECRET_ACCESS_KEY: "none",
				AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
				THINGHZ_BLOCKS_TABLE: "thinghz-blocks",
				THINGHZ_RECORDS_TABLE: "thinghz-records",
				THINGHZ_RETENTION_DAYS: "90",
			},
		},
	);
	return JSON.parse(text) as ReturnType<typeof loadOnce>;
}

function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Blocks a second of processor time in the best round: what else the machine does costs waiting, not work. */
async function measureRate(): Promise<number> {
	const clock = { nowMs: () => Date.now() };
	const events = batches(clock.nowMs());
	const context = lambdaContext("ingest");
	let best = 0;
	for (let round = 0; round < ROUNDS; round++) {
		// As new, so that no round finds what an earlier one has remembered of things and boots.
		const { handler, puts } = stubbedHandler(clock);
		const before = process.cpuUsage();
		for (const event of events) {
			const { batchItemFailures } = await handler(event, context);
			if (batchItemFailures.length > 0) throw new Error("Blocks were refused.");
		}
		const { user, system } = process.cpuUsage(before);
		const seconds = (user + system) / 1e6;
		const blocks = THINGS * BLOCKS;
		if (puts() < blocks) throw new Error("Not every block was put.");
		best = Math.max(best, blocks / seconds);
	}
	return best;
}

function stubbedHandler(clock: { nowMs(): number }): {
	readonly handler: (
		event: SQSEvent,
		context: Context,
	) => Promise<{
		readonly batchItemFailures: readonly unknown[];
	}>;
	/** How many items have been put. */
	readonly puts: () => number;
} {
	let puts = 0;
	// Tables that are empty and take everything.
	const client = {
		async send(command: { readonly input: { readonly Item?: unknown } }) {
			if (command.input.Item !== undefined) puts++;
			return {};
		},
	};
	const stores = dynamoStores({
		client: client as never,
		tables: { blocks: "blocks", records: "records" },
		clock,
		retentionMs: 90 * 86_400_000,
	});
	const alerts = new Alerts({
		stores,
		hub: new LiveHub(),
		clock,
		notifier: { kinds: [], deliver: async () => ({ result: "delivered" }) },
		onError: (error) => {
			throw error;
		},
	});
	const silent = () => undefined;
	const log: Log = { info: silent, warn: silent, error: silent };
	return {
		handler: ingestHandler({ stores, clock, log, onBlock: alerts.onBlock }),
		puts: () => puts,
	};
}

/** As the rules and SQS would hand them over: one block of each thing after the other. */
function batches(nowMs: number): readonly SQSEvent[] {
	const startMs = nowMs - BLOCKS * SAMPLES * 1000;
	const things = Array.from({ length: THINGS }, (_, i) => ({
		thing: `thing-${i}`,
		blocks: encodedWeather({
			startMs,
			samples: SAMPLES,
			blocks: BLOCKS,
			journalId: i.toString(16).padStart(16, "0"),
		}),
	}));
	const messages: unknown[] = [];
	for (let block = 0; block < BLOCKS; block++) {
		for (const { thing, blocks } of things) {
			const next = blocks.next();
			if (next.done) throw new Error("There are too few blocks.");
			messages.push(blockRuleMessage(thing, next.value, nowMs));
		}
	}
	return Array.from({ length: Math.ceil(messages.length / BATCH) }, (_, i) =>
		sqsEvent("thinghz-ingest", messages.slice(i * BATCH, (i + 1) * BATCH)),
	);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
	for (const result of await benchLambda())
		process.stdout.write(`${formatResult(result)}\n`);
