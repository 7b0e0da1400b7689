/** Judges, once at the start, what a board says of its channels: one that no block can hold must not end the node later. */
import { MAX_CHANNELS } from "../../protocol/block.ts";
import { validateChannel } from "../../protocol/validate.ts";
import type { SensorChannel, SensorPort, System } from "./ports.ts";

/** The sensors with those of their channels that can be recorded; what is left out, and why, is logged. */
export function usableSensors(
	sensors: readonly SensorPort[],
	system: System,
): readonly SensorPort[] {
	const ids: string[] = [];
	const usable = sensors.map((port) => {
		const channels = port.channels.filter((channel) => {
			const fault = faultOf(channel, ids);
			if (fault === null) ids.push(channel.id);
			else system.log("error", `${port.name}: ${fault} It is left out.`);
			return fault === null;
		});
		return channels.length === port.channels.length
			? port
			: { name: port.name, channels, open: () => port.open() };
	});
	if (ids.length > MAX_CHANNELS)
		system.log(
			"warn",
			`The board has ${ids.length} channels: "all" means the first ${MAX_CHANNELS}.`,
		);
	return usable;
}

/** In a sentence, or null. */
function faultOf(
	channel: SensorChannel,
	taken: readonly string[],
): string | null {
	try {
		validateChannel(channel);
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		return `${error.message}.`;
	}
	return taken.includes(channel.id)
		? `A channel "${channel.id}" is there already.`
		: null;
}
