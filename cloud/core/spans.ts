import type { RollupSize } from "./ports.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** How long a rollup's buckets are. They start at multiples of it since the epoch: days are UTC days. */
export function rollupSpanMs(size: RollupSize): number {
	return size === "hour" ? HOUR_MS : DAY_MS;
}

/** The last multiple of `everyMs` that is not after `timeMs`. */
export function floorTo(timeMs: number, everyMs: number): number {
	return Math.floor(timeMs / everyMs) * everyMs;
}
