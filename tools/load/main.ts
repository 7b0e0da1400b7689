/**
 * Puts load on a broker: many things that publish blocks at QoS 1 over mutual TLS, each with a window of publishes in
 * flight. Reads a LoadPlan from standard input, writes a LoadReport to standard output. A process of its own, so that
 * what it costs is not taken from the broker's thread.
 */
import { text } from "node:stream/consumers";
import { LoadBlocks } from "./blocks.ts";
import type { LoadPlan, LoadReport } from "./plan.ts";
import { LoadError, Publisher } from "./publisher.ts";

const PACE_MS = 1;

async function run(plan: LoadPlan): Promise<LoadReport> {
	const blocks = new LoadBlocks(plan.contents, Date.now());
	const latenciesMs: number[] = [];
	let isMeasuring = false;
	const onAck = (latencyMs: number) => {
		if (isMeasuring) latenciesMs.push(latencyMs);
	};
	let fail: (error: LoadError) => void = () => undefined;
	const failed = new Promise<never>((_, reject) => {
		fail = reject;
	});
	const publishers = await Promise.all(
		plan.identities.map((identity) =>
			Publisher.open(plan, identity, blocks, onAck, (error) => fail(error)),
		),
	);
	const stopPacing = begin(publishers, plan.blocksPerS);
	await Promise.race([after(plan.warmUpMs), failed]);
	isMeasuring = true;
	const startMs = performance.now();
	const startCpu = process.cpuUsage();
	await Promise.race([after(plan.measureMs), failed]);
	isMeasuring = false;
	const measuredMs = performance.now() - startMs;
	const cpu = process.cpuUsage(startCpu);
	stopPacing();
	await Promise.race([
		Promise.all(publishers.map((publisher) => publisher.drain())),
		failed,
	]);
	for (const publisher of publishers) publisher.end();
	const sorted = Float64Array.from(latenciesMs).sort();
	const quantile = (share: number) =>
		sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
	return {
		acknowledged: latenciesMs.length,
		measuredMs,
		p50Ms: quantile(0.5),
		p99Ms: quantile(0.99),
		maxMs: quantile(1),
		meanBlockBytes: blocks.meanSizeBytes,
		cpuShare: (cpu.user + cpu.system) / 1000 / measuredMs,
		things: publishers.map(({ thing, journal, acknowledged }) => ({
			thing,
			journalId: journal.toString("hex"),
			blocks: acknowledged,
		})),
	};
}

/** @returns what ends the sending of those that are paced */
function begin(
	publishers: readonly Publisher[],
	blocksPerS: number | null,
): () => void {
	if (blocksPerS === null) {
		for (const publisher of publishers) publisher.start();
		return () => undefined;
	}
	const startMs = performance.now();
	let offered = 0;
	let turn = 0;
	const timer = setInterval(() => {
		const elapsedMs = performance.now() - startMs;
		const due = Math.floor((elapsedMs / 1000) * blocksPerS) - offered;
		// Nodes publish one by one: the due are spread over the connections, and what no window takes is left out.
		for (let i = 0; i < due; i++) {
			turn = (turn + 1) % publishers.length;
			publishers[turn]?.offer(1);
		}
		offered += due;
	}, PACE_MS);
	return () => clearInterval(timer);
}

function after(durationMs: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, durationMs));
}

try {
	const report = await run(JSON.parse(await text(process.stdin)) as LoadPlan);
	process.stdout.write(`${JSON.stringify(report)}\n`);
} catch (error) {
	if (!(error instanceof LoadError)) throw error;
	const cause = error.cause === undefined ? "" : ` (${String(error.cause)})`;
	process.stdout.write(
		`${JSON.stringify({ failure: `${error.message}${cause}` })}\n`,
	);
	process.exit(1);
}
