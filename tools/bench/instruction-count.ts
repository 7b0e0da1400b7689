/** Counts what a node executes on the qemu board: runs it, looks at the counter each second, and tells what each second was about. */
import { VirtualMachine } from "../../firmware/boards/virtual/machine.ts";
import { VirtualClock } from "../../firmware/boards/virtual/peripherals/clock.ts";
import { TestBroker } from "../../firmware/boards/virtual/testing/broker.ts";

/** Executed in all, and by part when the image is marked. */
export interface Spent {
	readonly total: number;
	readonly byPart: readonly number[];
}

/** What one second of a node was about. */
export type SecondKind = "sample" | "checkpoint" | "block" | "other";

/** Medians over the seconds of a kind; what a plain sample takes has been taken off a checkpoint's and a block's. */
export interface Instructions {
	readonly boot: Spent;
	readonly sample: Spent;
	readonly checkpoint: Spent;
	readonly block: Spent;
	/** Mean of all seconds, whatever they were about. */
	readonly second: Spent;
}

const SECONDS = 1200;
const CHECKPOINT_SAMPLES = 10;
const START_MS = Date.UTC(2026, 2, 1);

/** Runs a node for 20 minutes, and looks at the counter each second. */
export async function countInstructions(image: string): Promise<Instructions> {
	const clock = new VirtualClock({ kind: "stepped", startWallMs: START_MS });
	const broker = new TestBroker();
	const machine = new VirtualMachine({
		identity: {
			thing: "count",
			host: "127.0.0.1",
			port: await broker.listen(),
		},
		board: "qemu",
		clock,
		bundle: image,
		seed: 1,
		countInstructions: true,
		// The first sample is durable at once.
		config: JSON.stringify({
			checkpointMs: 1000,
			healthIntervalMs: 600_000,
		}),
	});
	const events: string[] = [];
	machine.on("report", (report) => {
		events.push(
			report.event === "block" ? `block of ${report.stream}` : report.event,
		);
	});
	machine.on("exit", ({ reason }) => events.push(`end: ${reason}`));
	const read = async (): Promise<Spent> => {
		const measures = await machine.measure();
		const end = events.find((event) => event.startsWith("end"));
		if (end !== undefined) throw new Error(`The node has come to an ${end}.`);
		if (measures?.instructions == null)
			throw new Error("The board does not count instructions.");
		return { total: measures.instructions, byPart: measures.spent };
	};
	try {
		machine.powerOn();
		await clock.runFor(500);
		const boot = await read();
		machine.applyConfig(JSON.stringify({ healthIntervalMs: 600_000 }));
		// Past the start: the time is learned, and health sampled for the first time.
		await clock.runFor(10_000);
		const seconds: { kind: SecondKind; spent: Spent }[] = [];
		let before = await read();
		for (let second = 0; second < SECONDS; second++) {
			events.length = 0;
			await clock.runFor(1000);
			const now = await read();
			seconds.push({ kind: kindOf(events), spent: minus(now, before) });
			before = now;
		}
		return summarize(boot, seconds);
	} finally {
		await machine.powerCut();
		machine.close();
		clock.stop();
		await broker.close();
	}
}

function kindOf(events: readonly string[]): SecondKind {
	if (events.length === 0) return "sample";
	return events.includes("block of readings") ? "block" : "other";
}

export function minus(spent: Spent, before: Spent): Spent {
	return {
		total: spent.total - before.total,
		byPart: spent.byPart.map(
			(value, part) => value - (before.byPart[part] ?? 0),
		),
	};
}

/** The second whose total is in the middle. @throws Error without any */
export function median(seconds: readonly Spent[]): Spent {
	const sorted = [...seconds].sort((a, b) => a.total - b.total);
	const middle = sorted[sorted.length >> 1];
	if (middle === undefined) throw new Error("There is no second of this kind.");
	return middle;
}

export function mean(seconds: readonly Spent[]): Spent {
	const of = (value: (spent: Spent) => number): number =>
		Math.round(
			seconds.reduce((sum, spent) => sum + value(spent), 0) / seconds.length,
		);
	return {
		total: of(({ total }) => total),
		byPart: (seconds[0]?.byPart ?? []).map((_, part) =>
			of(({ byPart }) => byPart[part] ?? 0),
		),
	};
}

/**
 * Tells seconds with a checkpoint from those without: every tenth without a report has one, and takes more than the others.
 * One second in a few collects garbage; medians pass over it.
 */
export function summarize(
	boot: Spent,
	seconds: readonly { readonly kind: SecondKind; readonly spent: Spent }[],
): Instructions {
	const of = (kind: SecondKind): readonly Spent[] =>
		seconds.filter((second) => second.kind === kind).map(({ spent }) => spent);
	const quiet = of("sample");
	const sample = median(quiet);
	// Checkpoints are every tenth second: found as the phase whose seconds take the most.
	const phases = Array.from({ length: CHECKPOINT_SAMPLES }, (_, phase) =>
		seconds
			.filter(
				({ kind }, at) =>
					kind === "sample" && at % CHECKPOINT_SAMPLES === phase,
			)
			.map(({ spent }) => spent),
	).filter((phase) => phase.length > 0);
	const checkpoint = phases
		.map(median)
		.reduce((most, spent) => (spent.total > most.total ? spent : most));
	return {
		boot,
		sample,
		checkpoint: minus(checkpoint, sample),
		block: minus(median(of("block")), sample),
		second: mean(seconds.map(({ spent }) => spent)),
	};
}
