import { conditionKey, type Happening } from "./events.ts";
import { NEVER_JUDGED, type Standing } from "./judge.ts";
import type { AlertRule, AlertState } from "./ports.ts";

/** What a state is judged on from: one that was judged by another condition ends, and is judged anew. */
export function standingOf(
	rule: AlertRule,
	state: AlertState | null,
): {
	readonly before: Standing;
	readonly isAnew: boolean;
	readonly ended: readonly Happening[];
} {
	if (state === null) {
		return { before: NEVER_JUDGED, isAnew: false, ended: [] };
	}
	const { status, sinceMs, judgedToMs, value } = state;
	if (state.judgedBy === conditionKey(rule.condition)) {
		const before = { status, sinceMs, judgedToMs, value };
		return { before, isAnew: false, ended: [] };
	}
	return {
		before: { ...NEVER_JUDGED, judgedToMs },
		isAnew: true,
		ended: endOf(
			state,
			judgedToMs,
			"The rule has been changed, and is judged anew.",
		),
	};
}

/** That a state no longer fires for another reason than its condition: nobody is to wait for ever for the end. */
export function endOf(
	{ status, sinceMs }: AlertState,
	atMs: number,
	text: string,
): readonly Happening[] {
	if (status !== "firing") return [];
	return [
		{
			status: "resolved",
			// Its own firing is before it, whoever's clock it was by.
			atMs: Math.max(atMs, sinceMs + 1),
			value: null,
			heldSinceMs: sinceMs,
			text,
		},
	];
}
