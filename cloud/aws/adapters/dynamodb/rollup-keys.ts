/** The keys of hours and days in the blocks table. */
import type { RollupSize } from "../../../core/ports.ts";
import { rollupSpanMs } from "../../../core/spans.ts";
import { timeKey } from "./block-keys.ts";

/** All that is out of date is one partition of the index `dirty`. */
export const DIRTY_PARTITION = "1";

const PREFIX = { hour: "h", day: "d" } as const;

export function bucketKey(size: RollupSize, bucketMs: number): string {
	return `${PREFIX[size]}${timeKey(bucketMs)}`;
}

/** @returns null when it is the key of something else */
export function parseBucketKey(
	key: string,
): { readonly size: RollupSize; readonly bucketMs: number } | null {
	const match = /^([hd])(\d{14})$/.exec(key);
	if (match === null) return null;
	return {
		size: match[1] === "h" ? "hour" : "day",
		bucketMs: Number(match[2]),
	};
}

export function endMs(size: RollupSize, bucketMs: number): number {
	return bucketMs + rollupSpanMs(size);
}
