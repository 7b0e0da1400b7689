/** What can be set of a node, and the judgement of a document that sets it. */
import {
	MAX_CHANNELS,
	MAX_INTERVAL_MS,
	MIN_INTERVAL_MS,
} from "../../protocol/block.ts";
import type { LogLevel } from "./ports.ts";

export interface NodeConfig {
	readonly sampleIntervalMs: number;
	/** What a block of readings spans at most. */
	readonly blockSpanMs: number;
	/** All: the first 16 where there are more. */
	readonly channels: "all" | readonly string[];
	/**
	 * Wall time until which each sample is also published at once; null: live mode is off. It ends a day after the node first
	 * held this against the time it knew, if that is earlier: `live-end.ts`.
	 */
	readonly liveUntilMs: number | null;
	readonly logLevel: LogLevel;
	/** The most of the present that a power cut may take. */
	readonly checkpointMs: number;
	readonly healthIntervalMs: number;
	readonly healthSpanMs: number;
	/** Deep sleep between samples, and a connection only when a block is due: for nodes that run on a battery. */
	readonly sleep: boolean;
}

export const DEFAULT_CONFIG: NodeConfig = Object.freeze({
	sampleIntervalMs: 1000,
	blockSpanMs: 300_000,
	channels: "all",
	liveUntilMs: null,
	logLevel: "info",
	checkpointMs: 10_000,
	healthIntervalMs: 60_000,
	healthSpanMs: 3_600_000,
	sleep: false,
});

/** Below it, waking up and going to sleep would take most of the time. */
export const MIN_SLEEP_INTERVAL_MS = 5000;

const DAY_MS = 86_400_000;
/** Ranges of the members that are whole numbers, in ms. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
	sampleIntervalMs: [MIN_INTERVAL_MS, MAX_INTERVAL_MS],
	blockSpanMs: [1000, DAY_MS],
	checkpointMs: [1000, DAY_MS],
	healthIntervalMs: [1000, MAX_INTERVAL_MS],
	healthSpanMs: [1000, DAY_MS],
};
const LOG_LEVELS: readonly string[] = ["error", "warn", "info", "debug"];

/** The configuration, or what is wrong with the document, in a sentence. */
export type ConfigVerdict =
	| { readonly ok: NodeConfig }
	| {
			readonly refused: string;
			/** It is no document at all. */
			readonly isGarbage?: true;
	  };

/**
 * Judges a configuration document: a JSON object with any of the members of `NodeConfig`; those left out have their
 * defaults. An unknown member is refused, since it would have no effect.
 * @param available ids of the channels that the board's sensors have
 * @param canSleep whether the board has a deep sleep
 */
export function parseConfig(
	text: string,
	available: readonly string[],
	canSleep = false,
): ConfigVerdict {
	let document: unknown;
	try {
		document = JSON.parse(text);
	} catch (error) {
		return {
			refused: `The configuration is not JSON: ${error}.`,
			isGarbage: true,
		};
	}
	if (
		typeof document !== "object" ||
		document === null ||
		Array.isArray(document)
	)
		return {
			refused: "The configuration must be a JSON object.",
			isGarbage: true,
		};
	for (const [name, value] of Object.entries(document)) {
		const fault = faultOf(name, value, available);
		if (fault !== null) return { refused: fault };
	}
	const config: NodeConfig = { ...DEFAULT_CONFIG, ...document };
	const fault = faultOfWhole(config) ?? faultOfSleep(config, canSleep);
	return fault === null ? { ok: config } : { refused: fault };
}

function faultOf(
	name: string,
	value: unknown,
	available: readonly string[],
): string | null {
	const range = Object.hasOwn(RANGES, name) ? RANGES[name] : undefined;
	if (range !== undefined) {
		const [least, most] = range;
		return isWhole(value) && value >= least && value <= most
			? null
			: `${name} must be a whole number of ms from ${least} to ${most}.`;
	}
	switch (name) {
		case "channels":
			return faultOfChannels(value, available);
		case "liveUntilMs":
			return value === null || (isWhole(value) && value >= 0)
				? null
				: "liveUntilMs must be null or ms since the Unix epoch.";
		case "logLevel":
			return typeof value === "string" && LOG_LEVELS.includes(value)
				? null
				: `logLevel must be one of ${LOG_LEVELS.join(", ")}.`;
		case "sleep":
			return typeof value === "boolean" ? null : "sleep must be true or false.";
		default:
			return `The configuration has an unknown member "${name}".`;
	}
}

function faultOfChannels(
	value: unknown,
	available: readonly string[],
): string | null {
	if (value === "all") return null;
	if (!Array.isArray(value) || value.length === 0)
		return 'channels must be "all" or a list of channel ids.';
	if (value.length > MAX_CHANNELS)
		return `channels names ${value.length} channels; a block has at most ${MAX_CHANNELS}.`;
	for (let index = 0; index < value.length; index++) {
		const id: unknown = value[index];
		if (typeof id !== "string" || !available.includes(id))
			return `channels names ${JSON.stringify(id)}, which no sensor has.`;
		if (value.indexOf(id) !== index) return `channels names "${id}" twice.`;
	}
	return null;
}

function faultOfWhole(config: NodeConfig): string | null {
	if (config.blockSpanMs < config.sampleIntervalMs)
		return "blockSpanMs must not be less than sampleIntervalMs.";
	if (config.healthSpanMs < config.healthIntervalMs)
		return "healthSpanMs must not be less than healthIntervalMs.";
	return null;
}

function faultOfSleep(config: NodeConfig, canSleep: boolean): string | null {
	if (!config.sleep) return null;
	if (!canSleep) return "sleep must be false: this board has no deep sleep.";
	if (config.sampleIntervalMs < MIN_SLEEP_INTERVAL_MS)
		return `sampleIntervalMs must be at least ${MIN_SLEEP_INTERVAL_MS} where sleep is true.`;
	if (config.liveUntilMs !== null)
		return "liveUntilMs must be null where sleep is true: a node that sleeps cannot publish each sample at once.";
	return null;
}

function isWhole(value: unknown): value is number {
	return Number.isSafeInteger(value);
}
