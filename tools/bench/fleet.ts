/**
 * 300 nodes on XS at 1 Hz in live mode for 60 s, against the cloud of `thinghz up`, all through the command and the API:
 * how late each live sample reached a listener, whether one was lost, and what a node takes in memory.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalAuth, loadSecret } from "../../cloud/local/auth.ts";
import { startMs } from "../../protocol/block-time.ts";
import { readHeader } from "../../protocol/decode.ts";
import { CloudUnderTest } from "../../test/system/support/cloud.ts";
import { Following } from "../../test/system/support/command.ts";
import { readEvents } from "../cli/sse.ts";
import { childrenOf, memoryOf } from "./processes.ts";
import type { BenchResult } from "./result.ts";

const NODES = 300;
const SECONDS = 60;
const FLEET = `${NODES} nodes on XS, 1 Hz, ${SECONDS} s`;
/** The nodes start one after the other; the figures count from when the last of them is sampling. */
const START_SLACK_S = 60;

interface Seen {
	/** Sample times of each node, ms since the epoch. */
	readonly times: Map<string, number[]>;
	readonly latenessMs: number[];
}

export async function benchFleet(): Promise<BenchResult[]> {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-bench-"));
	const cloud = await CloudUnderTest.start(dir);
	try {
		const seen: Seen = { times: new Map(), latenessMs: [] };
		const stop = new AbortController();
		const auth = new LocalAuth({
			secret: loadSecret(dir),
			clock: { nowMs: () => Date.now() },
		});
		const token = await auth.issueToken("bench", 3_600_000);
		const stream = await fetch(`${cloud.ready.http}/v1/live`, {
			headers: { authorization: `Bearer ${token}` },
			signal: stop.signal,
		});
		const listening = listen(stream, seen);

		const sim = new Following(
			"sim",
			...["--nodes", String(NODES), "--live", "--json"],
			...["--target", cloud.target],
			...["--for", `${SECONDS + START_SLACK_S}s`],
		);
		await allSampling(seen);
		const fromMs = Date.now();
		const before = seen.latenessMs.length;
		await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
		const toMs = Date.now();
		const lateness = seen.latenessMs.slice(before).sort((a, b) => a - b);
		const memory = childrenOf(sim.pid)
			.map(memoryOf)
			.filter((use) => use !== null);
		await sim.end("SIGTERM");
		stop.abort();
		await listening;

		const lost = [...seen.times.values()]
			.map((times) => missingIn(times, fromMs + 2000, toMs - 2000))
			.reduce((a, b) => a + b, 0);
		const worstKiB = Math.max(...memory.map(({ rssKiB }) => rssKiB));
		const pssKiB =
			memory.reduce((sum, use) => sum + use.pssKiB, 0) / memory.length;
		return [
			{
				name: `${FLEET}: live samples`,
				value: lateness.length,
				unit: "samples",
			},
			{
				name: `${FLEET}: later than 1 s`,
				value: lateness.filter((ms) => ms > 1000).length,
				unit: "samples",
				target: { op: "<=", value: 0 },
				note: `p50 ${at(lateness, 0.5)} ms, p99 ${at(lateness, 0.99)} ms, max ${at(lateness, 1)} ms, from the sample's time to a listener of the API`,
			},
			{
				name: `${FLEET}: lost`,
				value: lost,
				unit: "samples",
				target: { op: "<=", value: 0 },
			},
			{
				name: `${FLEET}: memory of a node (RSS, the largest)`,
				value: worstKiB / 1024,
				unit: "MB",
				target: { op: "<=", value: 6 },
				note: `PSS ${(pssKiB / 1024).toFixed(2)} MB on average over ${memory.length} nodes`,
			},
		];
	} finally {
		await cloud.stop();
		rmSync(dir, { recursive: true });
	}
}

async function listen(stream: Response, seen: Seen): Promise<void> {
	if (stream.body === null) throw new Error("The live stream has no body.");
	try {
		for await (const { event, data } of readEvents(stream.body)) {
			if (event !== "live") continue;
			const arrivedMs = Date.now();
			const { device, block } = JSON.parse(data) as {
				device: string;
				block: string;
			};
			const timeMs = startMs(readHeader(Buffer.from(block, "base64")));
			if (timeMs === null) continue;
			const times = seen.times.get(device) ?? [];
			if (times.length === 0) seen.times.set(device, times);
			times.push(timeMs);
			seen.latenessMs.push(arrivedMs - timeMs);
		}
	} catch (error) {
		if ((error as Error).name !== "AbortError") throw error;
	}
}

/** Resolves when each node has been heard twice. */
async function allSampling(seen: Seen): Promise<void> {
	const deadline = Date.now() + 300_000;
	for (;;) {
		const sampling = [...seen.times.values()].filter(
			({ length }) => length > 1,
		);
		if (sampling.length === NODES) return;
		if (Date.now() > deadline) {
			throw new Error(`Only ${sampling.length} of ${NODES} nodes are heard.`);
		}
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

/** How many whole seconds between two times have no sample. */
function missingIn(
	times: readonly number[],
	fromMs: number,
	toMs: number,
): number {
	const within = times.filter((ms) => ms >= fromMs && ms < toMs).length;
	return Math.max(0, Math.floor((toMs - fromMs) / 1000) - within);
}

function at(sorted: readonly number[], share: number): number {
	const index = Math.min(sorted.length - 1, Math.floor(sorted.length * share));
	return Math.round(sorted[index] ?? Number.NaN);
}
