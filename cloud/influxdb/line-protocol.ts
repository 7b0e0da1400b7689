/**
 * Rows as InfluxDB's line protocol: "Line protocol reference" of InfluxDB 1.8 and 2.
 *
 *     readings,boot=1,channel=temperature,device=porch,journal=00000000000000a1,unit=°C value=21.5 1700000000000
 */
import type { BlockRows } from "../core/row-ports.ts";

export const MEASUREMENT = "readings";

/** A line a row, in the order of the rows; times in ms, so a write has to say `precision=ms`. */
export function toLines(block: BlockRows): string[] {
	const { thing, journalId, boot } = block;
	const series = new Map<string, string>();
	return block.rows.map(({ channel, unit, timeMs, value }) => {
		const key = `${channel} ${unit}`;
		let prefix = series.get(key);
		if (prefix === undefined) {
			prefix = toSeries({
				boot: String(boot),
				channel,
				device: thing,
				journal: journalId,
				unit: toTagValue(unit),
			});
			series.set(key, prefix);
		}
		return `${prefix} value=${value} ${timeMs}`;
	});
}

/** Tags by name, as the reference advises; one without a value cannot be written and is left out. */
function toSeries(tags: Readonly<Record<string, string>>): string {
	const parts = Object.entries(tags)
		.filter(([, value]) => value !== "")
		.map(([name, value]) => `${name}=${escapeTagValue(value)}`);
	return [MEASUREMENT, ...parts].join(",");
}

/** "Special characters": comma, equals sign and space are escaped in tag values. */
function escapeTagValue(value: string): string {
	return value.replaceAll(/[,= ]/g, (character) => `\\${character}`);
}

/**
 * A unit as the protocol can hold it. Nodes choose their units: line ends cannot be written at all, and a backslash takes
 * away the meaning of what follows it, so each of them, like all other control characters, becomes an underscore.
 */
export function toTagValue(unit: string): string {
	return unit.replaceAll(/[\\\p{Cc}\u2028\u2029]/gu, "_");
}
