/** How far a scale of values reaches at least. */
import type { ChannelInfo } from "./client.ts";
import { isStateChannel } from "./format.ts";

const MIN_COUNTS = 20;
/** So that an axis of states has whole numbers. */
const MIN_STATES = 4;

/** In the channel's unit: noise of a few counts of a gauge must not fill a chart; a counter's every count matters. */
export function minSpan(
	channel: Pick<ChannelInfo, "id" | "kind" | "resolution">,
): number {
	if (isStateChannel(channel.id)) return MIN_STATES;
	return channel.kind === "gauge" ? MIN_COUNTS * channel.resolution : 1;
}

/** Widened to `least` around its middle, but not below zero for what is never below. */
export function widened(
	min: number,
	max: number,
	least: number,
): readonly [low: number, high: number] {
	const missing = Math.max(0, least - (max - min));
	const below = min < 0 ? missing / 2 : Math.min(missing / 2, min);
	return [min - below, max + missing - below];
}
