/**
 * How a device's latest job executions ended, where that is told by events that may come late, twice and in any order: on
 * AWS, the events of IoT Jobs. On one machine the jobs themselves are there to be asked.
 */
import { isThingName } from "../../../protocol/topics.ts";
import { StoreError } from "../ports.ts";
import type { ExecutionStatus, StatusDetails } from "./statuses.ts";

/** The last that is known of a job's execution on a device. */
export interface LatestExecution {
	readonly jobId: string;
	readonly status: ExecutionStatus;
	readonly statusDetails: StatusDetails;
	/** When it came to that, ms since the epoch; by AWS's events to the second. */
	readonly atMs: number;
	/** Whether the execution has been deleted since: its status is the one it had. */
	readonly deleted: boolean;
}

export interface LatestExecutionStore {
	/** @returns null when there is no such device; in any order */
	get(device: string): Promise<readonly LatestExecution[] | null>;
	/**
	 * @param known what has to be there still
	 * @returns false when something else is there, or no device: nothing changed
	 */
	replace(
		device: string,
		known: readonly LatestExecution[],
		executions: readonly LatestExecution[],
	): Promise<boolean>;
}

/** So many of a device are kept: with the details that AWS allows, they stay below the size of an item of DynamoDB. */
export const MAX_LATEST = 20;
/** As often as that, somebody else may be faster. */
const ATTEMPTS = 8;

/** Newest first; among those of the same time by what they say, so that the order in which they were told is of no matter. */
export function byNewest(a: LatestExecution, b: LatestExecution): number {
	return (
		b.atMs - a.atMs ||
		Number(b.deleted) - Number(a.deleted) ||
		compare(textOf(a), textOf(b))
	);
}

function textOf({ jobId, status, statusDetails }: LatestExecution): string {
	return JSON.stringify([jobId, status, Object.entries(statusDetails).sort()]);
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

/** @returns what is known with what is told; the very `known` when that changes nothing */
export function withTold(
	known: readonly LatestExecution[],
	told: LatestExecution,
): readonly LatestExecution[] {
	const before = known.find(({ jobId }) => jobId === told.jobId);
	if (before !== undefined && byNewest(told, before) >= 0) return known;
	const others = known.filter((one) => one !== before);
	const kept = [...others, told].sort(byNewest).slice(0, MAX_LATEST);
	return kept.includes(told) ? kept : known;
}

/** "kept": it is what is known now. "outdated": something later is known, or the same. "unknown": there is no such device. */
export type NoteOutcome = "kept" | "outdated" | "unknown";

/** @throws StoreError */
export async function noteExecution(
	store: LatestExecutionStore,
	device: string,
	told: LatestExecution,
): Promise<NoteOutcome> {
	if (!isThingName(device)) return "unknown";
	for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
		const known = await store.get(device);
		if (known === null) return "unknown";
		const executions = withTold(known, told);
		if (executions === known) return "outdated";
		if (await store.replace(device, known, executions)) return "kept";
	}
	throw new StoreError(
		"contended",
		`Others have noted the jobs of ${device} at the same time, again and again.`,
	);
}
