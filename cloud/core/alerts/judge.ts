/**
 * Whether a threshold's condition holds, sample by sample. Pure: what was before, and samples; what is then, and what
 * happened between.
 *
 * With "above", a value over the limit begins it and a value at or below limit − hysteresis ends it; what lies between
 * changes nothing. With "below" the same upside down. An alert fires at the first sample that is `forMs` or more after
 * the one that began it, when none between has ended it; it is resolved by the first sample that ends it. A missing
 * sample says nothing either way.
 */
import { MISSING } from "../../../protocol/block.ts";
import { toValue } from "../../../protocol/block-time.ts";
import type { AlertCondition, AlertState } from "./ports.ts";

export type ThresholdCondition = Extract<AlertCondition, { type: "threshold" }>;

/** What of a state judging takes and gives. */
export type Standing = Pick<
	AlertState,
	"status" | "sinceMs" | "judgedToMs" | "value"
>;

/** Where there is no state yet. */
export const NEVER_JUDGED: Standing = {
	status: "ok",
	sinceMs: 0,
	judgedToMs: 0,
	value: null,
};

/** One channel of a block that has a time. */
export interface ChannelSamples {
	/** Of the first sample. */
	readonly startMs: number;
	readonly intervalMs: number;
	/** Raw values, MISSING among them. */
	readonly column: Int32Array;
	/** −9 … 9. */
	readonly exponent: number;
}

/** That an alert has fired, or is resolved. */
export interface Turn {
	readonly status: "firing" | "resolved";
	readonly atMs: number;
	readonly value: number;
	/** Since when it had held; for a resolved one, since when it fired. */
	readonly heldSinceMs: number;
}

export interface Judgement {
	readonly standing: Standing;
	/** In their order: firing and resolved take turns. */
	readonly turns: readonly Turn[];
}

/** Samples that are not after `judgedToMs` change nothing. */
export function judge(
	condition: ThresholdCondition,
	before: Standing,
	samples: ChannelSamples,
): Judgement {
	const { limit, forMs } = condition;
	const sign = condition.direction === "above" ? 1 : -1;
	const endsAt = endOf(condition);
	const { column, exponent, startMs, intervalMs } = samples;
	let { status, sinceMs, judgedToMs, value } = before;
	const turns: Turn[] = [];
	for (let i = 0; i < column.length; i++) {
		const raw = column[i];
		const atMs = startMs + i * intervalMs;
		if (raw === undefined || raw === MISSING || atMs <= judgedToMs) continue;
		judgedToMs = atMs;
		const current = toValue(raw, exponent);
		if (status === "ok" || status === "resolved") {
			if (sign * current <= sign * limit) continue;
			status = "pending";
			sinceMs = atMs;
			value = current;
		} else if (sign * current <= sign * endsAt) {
			if (status === "firing") {
				turns.push({
					status: "resolved",
					atMs,
					value: current,
					heldSinceMs: sinceMs,
				});
			}
			status = status === "firing" ? "resolved" : "ok";
			sinceMs = atMs;
			value = current;
			continue;
		}
		if (status === "pending" && atMs - sinceMs >= forMs) {
			turns.push({
				status: "firing",
				atMs,
				value: current,
				heldSinceMs: sinceMs,
			});
			status = "firing";
			sinceMs = atMs;
			value = current;
		}
	}
	return { standing: { status, sinceMs, judgedToMs, value }, turns };
}

/**
 * Whether no sample can change anything, by the channel's extremes alone: a block that is well need not be decoded.
 * @param extremes raw
 */
export function changesNothing(
	condition: ThresholdCondition,
	status: AlertState["status"],
	extremes: { readonly min: number; readonly max: number },
	exponent: number,
): boolean {
	const min = toValue(extremes.min, exponent);
	const max = toValue(extremes.max, exponent);
	const isAbove = condition.direction === "above";
	switch (status) {
		case "ok":
		case "resolved":
			return isAbove ? max <= condition.limit : min >= condition.limit;
		case "firing":
			return isAbove ? min > endOf(condition) : max < endOf(condition);
		case "pending":
			return false;
	}
}

/**
 * Where a value has come back far enough. Limits are decimal: 0.3 − 0.1 is to be 0.2, and is not in binary; values have
 * ten digits at most, so that rounding to twelve hides none.
 */
function endOf({ direction, limit, hysteresis }: ThresholdCondition): number {
	const end = direction === "above" ? limit - hysteresis : limit + hysteresis;
	return hysteresis === 0 ? limit : Number(end.toPrecision(12));
}
