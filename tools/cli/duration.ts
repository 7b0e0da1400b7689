/** Durations and points in time as people write them on a command line. */
import { UsageError } from "./errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
	ms: 1,
	s: 1_000,
	m: 60_000,
	h: 3_600_000,
	d: 86_400_000,
	w: 604_800_000,
};

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;

/** A century: no longer span means anything here, and any such time before now is still a time. */
const MAX_MS = 36_525 * 86_400_000;

/**
 * "250ms", "90s", "1.5h", "7d" → milliseconds, at most a century.
 * @throws UsageError that names `option`
 */
export function parseDuration(text: string, option: string): number {
	const match = DURATION.exec(text);
	const unitMs = UNIT_MS[match?.[2] ?? ""];
	if (match === null || unitMs === undefined) {
		throw new UsageError(
			`${option}: "${text}" is not a duration. Write a number and a unit: 500ms, 90s, 5m, 1h, 7d.`,
		);
	}
	const ms = Math.round(Number(match[1]) * unitMs);
	if (ms > MAX_MS) {
		throw new UsageError(`${option}: "${text}" is longer than a century.`);
	}
	return ms;
}

/**
 * A duration within bounds.
 * @param bounds least and most, as durations: "10ms", "24h"
 * @throws UsageError that names `option`
 */
export function parseDurationWithin(
	text: string,
	option: string,
	bounds: readonly [least: string, most: string],
): number {
	const ms = parseDuration(text, option);
	const [least, most] = bounds;
	if (ms < parseDuration(least, option) || ms > parseDuration(most, option)) {
		throw new UsageError(
			`${option}: "${text}" is not between ${least} and ${most}.`,
		);
	}
	return ms;
}

const ISO_TIME =
	/^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * "now", a duration before now ("-1h"), or an ISO-8601 time ("2026-11-23T12:00:00Z"; without an offset: UTC) → ms
 * since the Unix epoch.
 * @throws UsageError that names `option`
 */
export function parseTime(text: string, option: string, nowMs: number): number {
	if (text === "now") return nowMs;
	if (text.startsWith("-")) {
		return nowMs - parseDuration(text.slice(1), option);
	}
	if (ISO_TIME.test(text)) {
		const zoned = /T.*(?:Z|[+-]\d{2}:\d{2})$/.test(text);
		const ms = Date.parse(
			zoned ? text : text.includes("T") ? `${text}Z` : `${text}T00:00:00Z`,
		);
		if (!Number.isNaN(ms)) return ms;
	}
	throw new UsageError(
		`${option}: "${text}" is not a time. Write ISO-8601 (2026-11-23T12:00:00Z), "now", or how long ago (-1h).`,
	);
}

/** A time of `parseTime`, by this machine's clock, as the API takes it. @throws UsageError that names `option` */
export function parseIsoTime(text: string, option: string): string {
	return new Date(parseTime(text, option, Date.now())).toISOString();
}

/**
 * A whole number within bounds.
 * @throws UsageError that names `option`
 */
export function parseWhole(
	text: string,
	option: string,
	min: number,
	max: number,
): number {
	const value = Number(text);
	if (!/^\d+$/.test(text) || value < min || value > max) {
		throw new UsageError(
			`${option}: "${text}" is not a whole number from ${min} to ${max}.`,
		);
	}
	return value;
}
