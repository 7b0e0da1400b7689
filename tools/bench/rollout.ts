/**
 * An update in waves to 1,000 nodes on XS of which one in twenty is made to fail: whether the rollout is aborted at its threshold, whether a
 * node is lost, and what each runs afterwards.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudUnderTest } from "../../test/system/support/cloud.ts";
import type { BenchResult } from "./result.ts";
import {
	expectedVersion,
	NEW_VERSION,
	type RolloutOutcome,
	runRollout,
} from "./rollout-run.ts";

const NODES = 1000;
const ONE_IN = 20;
/**
 * A minute. Here 1,000 nodes share the processors of one machine: told all at once, they would also restart all at once, and each would be
 * reset by its watchdog before it had its turn.
 */
const RATE = 45;
const STAGES = "5%,25%,100%";
/** From a fifth of the nodes on, so that the first wave goes by and the second does not. */
const ABORT = "3%/200";

export async function benchRollout(): Promise<BenchResult[]> {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-bench-"));
	const cloud = await CloudUnderTest.start(join(dir, "data"));
	try {
		const outcome = await runRollout(cloud, dir, {
			nodes: NODES,
			oneIn: ONE_IN,
			stages: STAGES,
			rate: RATE,
			abort: ABORT,
			askEveryMs: 2000,
			patienceMs: 1_800_000,
			say: (text) => console.log(text),
		});
		return figuresOf(outcome);
	} finally {
		await cloud.stop();
		rmSync(dir, { recursive: true });
	}
}

function figuresOf(outcome: RolloutOutcome): BenchResult[] {
	const { rollout, devices, running, tookMs, meanPssBytes } = outcome;
	const of = `Update in waves to ${NODES.toLocaleString("en")} nodes, 1 in ${ONE_IN} fails`;
	const failed = rollout.devices.filter(({ status }) => status === "FAILED");
	const reasons = new Map<string, number>();
	for (const { reason } of failed) {
		const name = reason ?? "no reason";
		reasons.set(name, (reasons.get(name) ?? 0) + 1);
	}
	const updated = devices.filter(({ firmware }) => firmware === NEW_VERSION);
	const isWrong = (name: string, version: string | null) =>
		version !== expectedVersion(outcome, name);
	return [
		{
			name: `${of}: aborted at its threshold`,
			value: Number(rollout.reason === "aborted"),
			unit: "of 1",
			target: { op: ">=", value: 1 },
			note: `stages ${STAGES}, ${RATE} told a minute, aborted at ${ABORT.replace("/", " of ")} told; ${rollout.devices.length} were told; ${failed.length} failed (${[...reasons].map(([reason, count]) => `${count} ${reason}`).join(", ")}), ${updated.length} updated, the others never began`,
		},
		{
			name: `${of}: nodes lost`,
			value: NODES - devices.filter(({ online }) => online).length,
			unit: "nodes",
			target: { op: "<=", value: 0 },
		},
		{
			name: `${of}: nodes that run another image than they should`,
			value: Math.max(
				[...running].filter(([name, version]) => isWrong(name, version)).length,
				devices.filter(({ name, firmware }) => isWrong(name, firmware)).length,
			),
			unit: "nodes",
			target: { op: "<=", value: 0 },
			note: "the new one where the job says that it succeeded, else the old one; by what the boards run and by what the cloud says of them",
		},
		{
			name: `${of}: from the rollout until none was at it`,
			value: tookMs / 1000,
			unit: "s",
			note: `by the difference to what they run; cloud, nodes and their peripherals share this machine; PSS of a node ${(meanPssBytes / 2 ** 20).toFixed(2)} MB on average`,
		},
	];
}
