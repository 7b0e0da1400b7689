/** Times and durations at the edge: ISO-8601 outside, ms since the Unix epoch inside. */
import { parameterProblem } from "./problem.ts";

/** RFC 3339 with seconds optional, or a date alone, which means its midnight in UTC. */
const ISO_TIME =
	/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/i;
const DURATION = /^(\d{1,9})(s|m|h|d)$/;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const MIN_EVERY_MS = 1_000;
export const MAX_EVERY_MS = 366 * UNIT_MS.d;

/** @throws Problem for anything but an ISO-8601 time that names its offset from UTC */
export function parseTime(parameter: string, text: string): number {
	if (/^\d{9,15}$/.test(text)) {
		throw parameterProblem(
			parameter,
			`times are ISO-8601, not numbers: did you mean ${new Date(Number(text)).toISOString()}?`,
		);
	}
	const timeMs = ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
	if (Number.isNaN(timeMs)) {
		throw parameterProblem(
			parameter,
			"must be an ISO-8601 time with its offset from UTC, such as 2026-03-01T12:00:00Z",
		);
	}
	return timeMs;
}

/** @throws Problem for anything but a whole number and a unit, from 1 s to 366 d */
export function parseEvery(text: string): number {
	const match = DURATION.exec(text);
	const everyMs =
		match === null
			? Number.NaN
			: Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
	if (!(everyMs >= MIN_EVERY_MS && everyMs <= MAX_EVERY_MS)) {
		throw parameterProblem(
			"every",
			"must be a whole number and a unit (s, m, h, d) from 1s to 366d, such as 5m",
		);
	}
	return everyMs;
}

export interface TimeRange {
	readonly fromMs: number;
	readonly toMs: number;
}

/**
 * The range a request asks for: up to `to`, or now; from `from`, or an hour before.
 * @throws Problem when a time is not valid or the range is empty
 */
export function parseRange(
	query: {
		readonly from?: string | undefined;
		readonly to?: string | undefined;
	},
	nowMs: number,
): TimeRange {
	const toMs = query.to === undefined ? nowMs : parseTime("to", query.to);
	const fromMs =
		query.from === undefined ? toMs - UNIT_MS.h : parseTime("from", query.from);
	if (fromMs >= toMs) {
		throw parameterProblem("from", "must be before `to`");
	}
	return { fromMs, toMs };
}

/** ISO-8601 in UTC with milliseconds. */
export function isoTime(timeMs: number): string {
	return new Date(timeMs).toISOString();
}
