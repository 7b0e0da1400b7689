/** How far a scale of values reaches at least. */
import type { ChannelInfo } from "./client.ts";

const MIN_COUNTS = 20;

/** In the channel's unit: noise of a few counts of a gauge must not fill a chart; a counter's every count matters. */
export function minSpan(channel: ChannelInfo): number {
	return channel.kind === "gauge" ? MIN_COUNTS * channel.resolution : 1;
}
