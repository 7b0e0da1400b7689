/** What alerts say to people. */
import type { AlertCondition, AlertEvent } from "./ports.ts";

const STEPS = [
	{ unitMs: 86_400_000, unit: "d" },
	{ unitMs: 3_600_000, unit: "h" },
	{ unitMs: 60_000, unit: "min" },
	{ unitMs: 1_000, unit: "s" },
] as const;

/** "1 h 5 min", "30 s": the two largest units; "0 s" for less than a second. */
export function spanText(spanMs: number): string {
	let leftMs = Math.max(0, spanMs);
	const first = STEPS.findIndex(({ unitMs }) => leftMs >= unitMs);
	if (first < 0) return "0 s";
	const parts: string[] = [];
	for (const { unitMs, unit } of STEPS.slice(first, first + 2)) {
		const count = Math.floor(leftMs / unitMs);
		leftMs -= count * unitMs;
		if (count > 0) parts.push(`${count} ${unit}`);
	}
	return parts.join(" ");
}

/** "temperature above -15 °C for 5 min". @param unit of the channel; empty where nobody knows it */
export function conditionText(condition: AlertCondition, unit: string): string {
	const forText =
		condition.forMs === 0 ? "" : ` for ${spanText(condition.forMs)}`;
	switch (condition.type) {
		case "threshold": {
			const { channel, direction, limit } = condition;
			return `${channel} ${direction} ${quantity(limit, unit)}${forText}`;
		}
		case "no_data":
			return condition.channel === null
				? `no reading${forText}`
				: `no reading of ${condition.channel}${forText}`;
		case "offline":
			return `not connected${forText}`;
	}
}

/** Why an alert fires. @param heldMs how long the condition has held by then */
export function firingText(
	condition: AlertCondition,
	value: number | null,
	unit: string,
	heldMs: number,
): string {
	const span = spanText(heldMs);
	switch (condition.type) {
		case "threshold": {
			const { channel, direction, limit, forMs } = condition;
			const held = forMs === 0 ? "" : ` for ${span}`;
			return `${channel} is ${quantity(value ?? limit, unit)}, ${direction} ${quantity(limit, unit)}${held}.`;
		}
		case "no_data":
			return condition.channel === null
				? `There has been no reading for ${span}.`
				: `There has been no reading of ${condition.channel} for ${span}.`;
		case "offline":
			return `It has not been connected for ${span}.`;
	}
}

/** Why an alert no longer fires. @param firedMs for how long it did */
export function resolvedText(
	condition: AlertCondition,
	value: number | null,
	unit: string,
	firedMs: number,
): string {
	const after = `after ${spanText(firedMs)}`;
	switch (condition.type) {
		case "threshold":
			return `${condition.channel} is ${quantity(value ?? condition.limit, unit)} again, ${after}.`;
		case "no_data":
			return condition.channel === null
				? `There are readings again, ${after}.`
				: `There are readings of ${condition.channel} again, ${after}.`;
		case "offline":
			return `It has been connected again, ${after}.`;
	}
}

/** The one line that a message begins with. */
export function subjectOf({ status, ruleName, device }: AlertEvent): string {
	const subject = `${ruleName}: ${device}`;
	return status === "firing" ? subject : `Resolved: ${subject}`;
}

function quantity(value: number, unit: string): string {
	return unit === "" ? String(value) : `${value} ${unit}`;
}
