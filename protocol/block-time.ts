import type { BlockHeader } from "./block.ts";

/** Wall time of sample 0 as the node stamped it, ms since the Unix epoch; null when it did not know the time. */
export function startMs(
	header: Pick<BlockHeader, "clock" | "startUptimeMs">,
): number | null {
	return header.clock === null
		? null
		: header.clock.bootTimeMs + header.startUptimeMs;
}

/** From the first sample's time to one interval after the last one's, ms. */
export function spanMs(
	header: Pick<BlockHeader, "sampleCount" | "intervalMs">,
): number {
	return header.sampleCount * header.intervalMs;
}

/** Powers of ten up to 10⁹ are exact doubles, and so is a raw value: one rounding in all. */
const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/** The double nearest to `raw × 10^exponent`. @param exponent −9 … 9 */
export function toValue(raw: number, exponent: number): number {
	return exponent < 0
		? raw / (POWERS[-exponent] as number)
		: raw * (POWERS[exponent] as number);
}
