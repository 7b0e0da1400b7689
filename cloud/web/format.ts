/** Numbers, names and times as people read them. */
import { HEALTH_STATES, stateName } from "../../protocol/health-states.ts";

/** A value with as many decimals as the channel resolves. */
export function formatValue(value: number, resolution: number): string {
	const decimals = Math.min(
		9,
		Math.max(0, Math.round(-Math.log10(resolution))),
	);
	return value.toLocaleString("en", {
		minimumFractionDigits: decimals,
		maximumFractionDigits: decimals,
	});
}

/** Whether a channel's values are numbers of states, which have names and no mean. */
export function isStateChannel(id: string): boolean {
	return Object.hasOwn(HEALTH_STATES, id);
}

/** A value and what stands after it: its unit or, of a state, its number after its name: "wifi password", "2". */
export function formatReading(
	channel: {
		readonly id: string;
		readonly unit: string;
		readonly resolution: number;
	},
	value: number,
): readonly [text: string, unit: string] {
	const number = formatValue(value, channel.resolution);
	const state = stateName(channel.id, value)?.replaceAll("_", " ");
	return state === undefined ? [number, channel.unit] : [state, number];
}

/** "health.heap_free" is "Heap free". */
export function channelLabel(id: string): string {
	const words = id
		.replace(/^health\./, "")
		.replaceAll(/[._]+/g, " ")
		.trim();
	return words === "" ? id : words.charAt(0).toUpperCase() + words.slice(1);
}

export function isHealthChannel(id: string): boolean {
	return id.startsWith("health.");
}

const STEPS = [
	{ belowMs: 60_000, unitMs: 1_000, unit: "s" },
	{ belowMs: 3_600_000, unitMs: 60_000, unit: "min" },
	{ belowMs: 86_400_000, unitMs: 3_600_000, unit: "h" },
	{ belowMs: Number.POSITIVE_INFINITY, unitMs: 86_400_000, unit: "d" },
] as const;

/** How long ago: "just now", "12 s ago", "3 min ago", "5 d ago". */
export function formatAgo(timeMs: number, nowMs: number): string {
	const ageMs = nowMs - timeMs;
	if (ageMs < 2_000) return "just now";
	const step = STEPS.find(({ belowMs }) => ageMs < belowMs) ?? STEPS[3];
	return `${Math.floor(ageMs / step.unitMs)} ${step.unit} ago`;
}

const timeOfDay = new Intl.DateTimeFormat("en-GB", {
	hour: "2-digit",
	minute: "2-digit",
	second: "2-digit",
});
const dayAndTime = new Intl.DateTimeFormat("en-GB", {
	day: "numeric",
	month: "short",
	hour: "2-digit",
	minute: "2-digit",
});
const day = new Intl.DateTimeFormat("en-GB", {
	day: "numeric",
	month: "short",
	year: "numeric",
});

const minuteOfDay = new Intl.DateTimeFormat("en-GB", {
	hour: "2-digit",
	minute: "2-digit",
});
const dayOnly = new Intl.DateTimeFormat("en-GB", {
	day: "numeric",
	month: "short",
});
const monthOnly = new Intl.DateTimeFormat("en-GB", {
	month: "short",
	year: "numeric",
});

/** The label of a tick on an axis of time, where ticks are `stepMs` apart and the whole axis is `spanMs`. */
export function formatTick(
	timeMs: number,
	stepMs: number,
	spanMs: number,
): string {
	if (stepMs > 0 && stepMs < 60_000) return timeOfDay.format(timeMs);
	if (spanMs <= 86_400_000) return minuteOfDay.format(timeMs);
	if (stepMs >= 28 * 86_400_000) return monthOnly.format(timeMs);
	return dayOnly.format(timeMs);
}

/** A point in time, as exact as a window of this width needs. */
export function formatTime(timeMs: number, spanMs: number): string {
	if (spanMs <= 6 * 3_600_000) return timeOfDay.format(timeMs);
	if (spanMs <= 31 * 86_400_000) return dayAndTime.format(timeMs);
	return day.format(timeMs);
}

/** "3 Mar, 12:00 – 13:00" or, over several days, both ends in full. */
export function formatWindow(fromMs: number, toMs: number): string {
	const spanMs = toMs - fromMs;
	if (spanMs > 31 * 86_400_000) {
		return `${day.format(fromMs)} – ${day.format(toMs)}`;
	}
	if (day.format(fromMs) !== day.format(toMs)) {
		return `${dayAndTime.format(fromMs)} – ${dayAndTime.format(toMs)}`;
	}
	const end = formatTime(toMs, spanMs);
	const start =
		spanMs <= 900_000
			? `${dayOnly.format(fromMs)}, ${timeOfDay.format(fromMs)}`
			: dayAndTime.format(fromMs);
	return `${start} – ${spanMs <= 900_000 ? end : end.slice(0, 5)}`;
}

/** "5m" as "5 min". */
export function formatEvery(everyMs: number): string {
	for (const step of [...STEPS].reverse()) {
		if (everyMs >= step.unitMs) return `${everyMs / step.unitMs} ${step.unit}`;
	}
	return `${everyMs} ms`;
}
