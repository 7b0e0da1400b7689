/** What Linux says of processes: /proc, as proc(5) describes it. */
import { readdirSync, readFileSync } from "node:fs";

/** Ids of the processes whose parent is `parent`. */
export function childrenOf(parent: number): readonly number[] {
	return readdirSync("/proc")
		.filter((name) => /^\d+$/.test(name))
		.map(Number)
		.filter((pid) => parentOf(pid) === parent);
}

/** Null when the process is gone. */
function parentOf(pid: number): number | null {
	const stat = readIfThere(`/proc/${pid}/stat`);
	// The second field, the name in parentheses, may hold spaces: count from behind it.
	const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
	return fields === undefined ? null : Number(fields[1]);
}

export interface MemoryUse {
	/** Resident, pages shared with others counted whole. */
	readonly rssKiB: number;
	/** Resident, a page shared by n processes counted as a n-th. */
	readonly pssKiB: number;
}

/** Null when the process is gone. */
export function memoryOf(pid: number): MemoryUse | null {
	const rollup = readIfThere(`/proc/${pid}/smaps_rollup`);
	const kib = (name: string) =>
		Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(rollup ?? "")?.[1] ?? 0);
	return rollup === null ? null : { rssKiB: kib("Rss"), pssKiB: kib("Pss") };
}

function readIfThere(path: string): string | null {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT" || code === "ESRCH") return null;
		throw error;
	}
}
