/** A node's configuration as people write and read it: the members of `firmware/node/config.ts` by short names and units. */
import {
	DEFAULT_CONFIG,
	type NodeConfig,
	parseConfig,
} from "../../firmware/node/config.ts";
import { parseDuration, parseDurationWithin } from "./duration.ts";
import { UsageError } from "./errors.ts";

/** Members of a configuration document; those that are not there have their defaults. */
export type ConfigDocument = Readonly<Record<string, unknown>>;

interface Setting {
	readonly member: keyof NodeConfig;
	/** What a value looks like, for people. */
	readonly expected: string;
	/** @returns the member's value; null for off @throws UsageError */
	parse(text: string, option: string, nowMs: number): unknown;
	show(value: unknown): string;
}

const duration: Pick<Setting, "expected" | "parse" | "show"> = {
	expected: "a duration: 500ms, 5s, 10m",
	parse: (text, option) => parseDuration(text, option),
	show: (value) =>
		typeof value === "number" ? showDuration(value) : raw(value),
};

/** By the names that `--set` takes, in the order in which they are shown. */
const SETTINGS: Readonly<Record<string, Setting>> = {
	interval: { member: "sampleIntervalMs", ...duration },
	span: { member: "blockSpanMs", ...duration },
	channels: {
		member: "channels",
		expected: "all, or channel ids with commas between them",
		parse: (text) => (text === "all" ? "all" : text.split(",")),
		show: (value) => (Array.isArray(value) ? value.join(",") : raw(value)),
	},
	live: {
		member: "liveUntilMs",
		// A node ends it after a day in any case: `firmware/node/live-end.ts`.
		expected: "off, or for how long from now: 10m",
		parse: (text, option, nowMs) =>
			text === "off"
				? null
				: nowMs + parseDurationWithin(text, option, ["1s", "24h"]),
		show: (value) =>
			typeof value === "number"
				? `until ${new Date(value).toISOString()}`
				: "off",
	},
	"log-level": {
		member: "logLevel",
		expected: "error, warn, info or debug",
		parse: (text) => text,
		show: raw,
	},
	checkpoint: { member: "checkpointMs", ...duration },
	"health-interval": { member: "healthIntervalMs", ...duration },
	"health-span": { member: "healthSpanMs", ...duration },
	sleep: {
		member: "sleep",
		expected: "on or off",
		parse(text, option) {
			if (text === "on" || text === "off") return text === "on";
			throw new UsageError(`${option}: "${text}" is neither on nor off.`);
		},
		show: (value) =>
			typeof value === "boolean" ? (value ? "on" : "off") : raw(value),
	},
};

export const SETTING_NAMES: readonly string[] = Object.keys(SETTINGS);

/**
 * "interval=5s" → ["sampleIntervalMs", 5000]; null is for a member that is to have its default again: "interval=default".
 * @throws UsageError
 */
export function parseSetting(
	text: string,
	nowMs: number,
): readonly [member: string, value: unknown] {
	const at = text.indexOf("=");
	const name = text.slice(0, at);
	const value = text.slice(at + 1);
	const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
	if (at < 1 || setting === undefined) {
		throw new UsageError(
			`--set: "${text}" names no setting. Write NAME=VALUE with one of ${SETTING_NAMES.join(", ")}.`,
		);
	}
	if (value === "") {
		throw new UsageError(
			`--set: "${text}" has no value. Write ${name}=default, or ${setting.expected}.`,
		);
	}
	return [
		setting.member,
		value === "default" ? null : setting.parse(value, `--set ${name}`, nowMs),
	];
}

/**
 * What is wrong with a configuration, by the node's own rules; null when nothing is. Whether the board can sleep is for
 * the node to judge.
 * @param channels that the device is known to have; empty when none are known, and then any will do
 */
export function faultOfConfig(
	desired: ConfigDocument,
	channels: readonly string[],
): string | null {
	const named = Array.isArray(desired.channels) ? desired.channels : [];
	const available = channels.length > 0 ? channels : named.map(String);
	const verdict = parseConfig(JSON.stringify(desired), available, true);
	return "refused" in verdict ? verdict.refused : null;
}

/** The change of a shadow's section that makes one document of another: null takes a member away. */
export function changesBetween(
	before: ConfigDocument,
	after: ConfigDocument,
): ConfigDocument {
	const names = new Set([...Object.keys(before), ...Object.keys(after)]);
	return Object.fromEntries(
		[...names]
			.filter((name) => !isSame(before[name], after[name]))
			.map((name) => [name, after[name] ?? null]),
	);
}

/** Those members of what is in force that are not the defaults: to go on from where nothing was desired before. */
export function partsOf(reported: ConfigDocument): ConfigDocument {
	const defaults: ConfigDocument = { ...DEFAULT_CONFIG };
	return Object.fromEntries(
		Object.entries(reported).filter(
			([name, value]) =>
				Object.hasOwn(defaults, name) && !isSame(value, defaults[name]),
		),
	);
}

export interface SettingLine {
	/** The name that `--set` takes, or the member's where there is none. */
	readonly name: string;
	readonly member: string;
	/** Null where nothing is desired; a default counts as desired where anything is. */
	readonly desired: unknown;
	/** Null where nothing has been reported. */
	readonly reported: unknown;
	readonly isTaken: boolean;
}

/** Setting by setting, what is desired and what the node says is in force. */
export function compare(
	desired: ConfigDocument | null,
	reported: ConfigDocument | null,
	nowMs: number,
): readonly SettingLine[] {
	const defaults: ConfigDocument = { ...DEFAULT_CONFIG };
	const members = new Map(
		Object.entries(SETTINGS).map(([name, { member }]) => [
			member as string,
			name,
		]),
	);
	for (const member of Object.keys({ ...desired, ...reported })) {
		if (member !== "refused" && !members.has(member)) {
			members.set(member, member);
		}
	}
	return [...members].map(([member, name]) => {
		const wanted =
			desired === null ? null : (desired[member] ?? defaults[member] ?? null);
		const is = reported === null ? null : (reported[member] ?? null);
		return {
			name,
			member,
			desired: wanted,
			reported: is,
			isTaken:
				desired === null ||
				isSame(current(member, wanted, nowMs), current(member, is, nowMs)),
		};
	});
}

/** Live mode that is over is off. */
function current(member: string, value: unknown, nowMs: number): unknown {
	return member === "liveUntilMs" && typeof value === "number" && value <= nowMs
		? null
		: value;
}

export function showValue(name: string, value: unknown): string {
	const setting = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
	return setting === undefined ? raw(value) : setting.show(value);
}

function raw(value: unknown): string {
	if (value === null || value === undefined) return "–";
	return typeof value === "string" ? value : JSON.stringify(value);
}

/** In the largest unit that it is a whole number of. */
function showDuration(ms: number): string {
	for (const [unit, unitMs] of [
		["d", 86_400_000],
		["h", 3_600_000],
		["m", 60_000],
		["s", 1_000],
	] as const) {
		if (ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
	}
	return `${ms}ms`;
}

/** To a shadow, a member that is null and one that is not there are the same. */
function isSame(one: unknown, other: unknown): boolean {
	return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}
