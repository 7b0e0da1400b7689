import type { Turn } from "./judge.ts";
import type { AlertCondition, AlertEvent, AlertRule } from "./ports.ts";
import { firingText, resolvedText } from "./sentences.ts";

/** What has happened to a rule's state for a device. */
export interface Happening extends Omit<Turn, "value"> {
	readonly value: number | null;
	/** A sentence in the place of what follows from the condition. */
	readonly text?: string;
	/** A sentence after that. */
	readonly note?: string;
}

/** See `AlertEvent.id`. */
export function eventId(event: {
	readonly ruleId: string;
	readonly device: string;
	readonly status: "firing" | "resolved";
	readonly atMs: number;
}): string {
	const { atMs, ruleId, status, device } = event;
	// 15 digits last until the year 33658.
	return `${String(atMs).padStart(15, "0")}-${ruleId}-${status[0]}-${device}`;
}

/** By which two conditions can be told to be the same, whatever the order of their members. */
export function conditionKey(condition: AlertCondition): string {
	return JSON.stringify(condition, Object.keys(condition).sort());
}

/** The event, to be delivered to all whom the rule names from now on. */
export function eventOf(
	rule: AlertRule,
	device: string,
	happening: Happening,
	unit: string,
	nowMs: number,
): AlertEvent {
	const { status, atMs, value, heldSinceMs } = happening;
	const say = status === "firing" ? firingText : resolvedText;
	const text =
		happening.text ?? say(rule.condition, value, unit, atMs - heldSinceMs);
	return {
		id: eventId({ ruleId: rule.id, device, status, atMs }),
		ruleId: rule.id,
		ruleName: rule.name,
		device,
		status,
		atMs,
		value,
		unit: value === null ? null : unit,
		text: happening.note === undefined ? text : `${text} ${happening.note}`,
		deliveries: rule.notify.map((target) => ({
			target,
			status: "pending",
			attempts: 0,
			nextAttemptMs: nowMs,
			error: null,
		})),
	};
}
