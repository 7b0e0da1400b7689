/**
 * The heap of a node on `virtual32`, whose slots have 16 bytes as an ESP32's, at 1 Hz with three channels: after an hour,
 * over a day with an outage, over a week, and while it is updated, exchanges its certificate, or becomes a thing. `docs/footprint.md` says
 * what is counted.
 * On its own: `npx tsx tools/bench/heap.ts`
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hostPath } from "../../firmware/boards/virtual/processor.ts";
import { writeSection } from "../build/page.ts";
import { resultsTable } from "./figures.ts";
import { type HeapFigures, HeapRig, SPARING } from "./heap-rig.ts";
import { type BenchResult, formatResult } from "./result.ts";

/** Has these figures, too. */
export const FOOTPRINT = "docs/footprint.md";
export const HOUR_MS = 3_600_000;
export const LIVE_BUDGET_BYTES = 48 * 1024;
export const PEAK_BUDGET_BYTES = 64 * 1024;

/** Eight hours connected, six without network, then connected until the day is over. Begins after the first hour. */
export async function runDayWithOutage(rig: HeapRig): Promise<void> {
	const { faults } = rig.machine.network;
	await rig.run(7 * HOUR_MS);
	faults.down = true;
	await rig.run(6 * HOUR_MS);
	faults.down = false;
	await rig.run(10 * HOUR_MS);
}

const kib = (
	name: string,
	sizeBytes: number,
	note: string,
	budgetBytes?: number,
): BenchResult => ({
	name,
	value: sizeBytes / 1024,
	unit: "KiB",
	note,
	...(budgetBytes === undefined
		? {}
		: { target: { op: "<=", value: budgetBytes / 1024 } }),
});

async function benchDay(): Promise<BenchResult[]> {
	const rig = await HeapRig.start({ heapLimitBytes: PEAK_BUDGET_BYTES });
	try {
		await rig.run(HOUR_MS);
		const hour = await rig.look();
		await runDayWithOutage(rig);
		const day = await rig.look();
		return [
			kib(
				"Node's heap after an hour",
				hour.liveBytes,
				"slots and chunks that are live on virtual32, connected, 1 Hz × 3 channels; without what a device has in flash",
				LIVE_BUDGET_BYTES,
			),
			kib(
				"Node's heap at most, live",
				day.livePeakBytes,
				"after any collection of a day with a 6-hour outage and its catch-up",
			),
			kib(
				"Node's heap at most, garbage and stack included",
				day.takenPeakBytes,
				"the same day; more than 64 KiB is refused to the engine",
				PEAK_BUDGET_BYTES,
			),
			kib(
				"Node's names, functions and classes",
				day.programBytes,
				"slots and chunks once the program is loaded; preloaded into flash on a device",
			),
			kib(
				"Engine's own objects",
				day.builtinBytes,
				"slots and chunks of an empty machine; in flash on a device",
			),
			kib(
				"Byte code of the simulated node",
				day.codeBytes,
				"minified bundle of virtual32, its driver of the board included; in flash on a device",
			),
		];
	} finally {
		await rig.end();
	}
}

/** What a node is asked to do beside its work. */
export const TASKS = {
	"an update by the image": (rig: HeapRig) => afterOrder(rig, false),
	"an update by a difference": (rig: HeapRig) => afterOrder(rig, true),
	"an update by a difference, with addresses": (rig: HeapRig) =>
		afterOrder(rig, true, true),
	"the exchange of its certificate": async (rig: HeapRig) => {
		await rig.run(BEFORE_MS);
		await rig.cloud.order("rotate");
		await rig.run(TASK_MS);
		return rig.look();
	},
	"becoming a thing by a claim": (rig: HeapRig) => rig.runToRestart(TASK_MS),
} as const;
export type HeapTask = keyof typeof TASKS;
export const CLAIM: HeapTask = "becoming a thing by a claim";

/** A block has been closed and sent. */
const BEFORE_MS = 310_000;
const TASK_MS = 600_000;

async function afterOrder(
	rig: HeapRig,
	hasDelta: boolean,
	hasAddresses = false,
): Promise<HeapFigures> {
	await rig.run(BEFORE_MS);
	await rig.orderUpdate(hasDelta, hasAddresses);
	return rig.runToRestart(TASK_MS);
}

/**
 * Has a node do it, up to its restart where there is one, and see to what follows.
 * @throws Error when it ends otherwise, or nothing comes of it
 */
export async function takenFor(
	task: HeapTask,
	heapLimitBytes = 0,
): Promise<HeapFigures> {
	const rig = await HeapRig.start({ heapLimitBytes, isClaim: task === CLAIM });
	try {
		const figures = await TASKS[task](rig);
		await rig.run(60_000);
		if (task === CLAIM) return figures;
		const status = await rig.cloud.status();
		if (status !== "SUCCEEDED") throw new Error(`Of ${task}: ${status}.`);
		return figures;
	} finally {
		await rig.end();
	}
}

async function benchTasks(): Promise<BenchResult[]> {
	const results: BenchResult[] = [];
	for (const task of Object.keys(TASKS) as HeapTask[]) {
		const { takenPeakBytes, stackPeakBytes } = await takenFor(task);
		results.push(
			kib(
				`Node's heap at most, ${task}`,
				takenPeakBytes,
				`garbage and the stack included, of whose ${SPARING.stackSlots} slots ${stackPeakBytes / 16} were used; over MQTT, without a limit`,
				PEAK_BUDGET_BYTES,
			),
		);
	}
	return results;
}

async function benchWeek(): Promise<BenchResult[]> {
	// Much room, so that garbage is collected less often: a week takes less time then, and what is live is the same.
	const rig = await HeapRig.start({ slots: 24_000, chunkBytes: 1 << 17 });
	try {
		await rig.run(48 * HOUR_MS);
		const second = await rig.look();
		await rig.run(5 * 24 * HOUR_MS);
		const seventh = await rig.look();
		return [
			{
				name: "Growth of a node's heap from day 2 to day 7",
				value: seventh.liveBytes - second.liveBytes,
				unit: "B",
				note: "live, connected, 1 Hz × 3 channels",
				target: { op: "<=", value: 0 },
			},
		];
	} finally {
		await rig.end();
	}
}

/** Takes 1 to 3 minutes; writes its table into docs/footprint.md. Nothing where there is no 32-bit host. */
export async function benchHeap(): Promise<BenchResult[]> {
	if (!existsSync(hostPath("virtual32"))) {
		console.log("Skipped: there is no 32-bit host (it needs gcc-multilib).");
		return [];
	}
	const [day, week] = await Promise.all([benchDay(), benchWeek()]);
	const results = [...day, ...week, ...(await benchTasks())];
	const page = readFileSync(FOOTPRINT, "utf8");
	writeFileSync(FOOTPRINT, writeSection(page, "heap", resultsTable(results)));
	return results;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
	for (const result of await benchHeap())
		process.stdout.write(`${formatResult(result)}\n`);
