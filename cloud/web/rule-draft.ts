/** What the form for a rule makes of its fields. */
import type {
	AlertCondition,
	AlertTarget,
	RuleDraft,
} from "./alerts-client.ts";

export type RuleKind = "above" | "below" | "no_data" | "offline";

/** As they were typed. */
export interface RuleFields {
	readonly name: string;
	/** Empty for each device. */
	readonly device: string;
	readonly kind: RuleKind;
	readonly channel: string;
	readonly limit: string;
	readonly hysteresis: string;
	/** In minutes. */
	readonly minutes: string;
	readonly email: string;
	readonly webhook: string;
	readonly push: boolean;
}

export const EMPTY_FIELDS: RuleFields = {
	name: "",
	device: "",
	kind: "above",
	channel: "",
	limit: "",
	hysteresis: "0",
	minutes: "5",
	email: "",
	webhook: "",
	push: false,
};

/** The rule, or what is wrong in a sentence; the API looks at the rest. */
export function draftOf(fields: RuleFields): RuleDraft | string {
	const name = fields.name.trim();
	if (name === "") return "Give the rule a name: it is what people are told.";
	const condition = conditionOf(fields);
	if (typeof condition === "string") return condition;
	return {
		name,
		device: fields.device === "" ? null : fields.device,
		condition,
		notify: targetsOf(fields),
	};
}

function conditionOf(fields: RuleFields): AlertCondition | string {
	const { kind } = fields;
	const channel = fields.channel.trim();
	const minutes = numberOf(fields.minutes);
	if (minutes === null || minutes < 0) {
		return "Say for how many minutes it has to hold: 0 or more.";
	}
	const forMs = Math.round(minutes * 60_000);
	if (kind === "offline") return { type: "offline", forMs };
	if (kind === "no_data") {
		return { type: "no_data", channel: channel === "" ? null : channel, forMs };
	}
	if (channel === "") return "Say of which channel.";
	const limit = numberOf(fields.limit);
	if (limit === null) return "Give the limit as a number.";
	const hysteresis = numberOf(fields.hysteresis);
	if (hysteresis === null || hysteresis < 0) {
		return "Give the hysteresis as a number: 0 or more.";
	}
	return {
		type: "threshold",
		channel,
		direction: kind,
		limit,
		hysteresis,
		forMs,
	};
}

function targetsOf({ email, webhook, push }: RuleFields): AlertTarget[] {
	return [
		...listOf(email).map((address) => ({ type: "email" as const, address })),
		...listOf(webhook).map((url) => ({ type: "webhook" as const, url })),
		...(push ? [{ type: "push" as const }] : []),
	];
}

/** What stands between spaces and commas. */
function listOf(text: string): string[] {
	return text.split(/[\s,]+/).filter((part) => part !== "");
}

function numberOf(text: string): number | null {
	const value = Number(text.trim().replace(",", "."));
	return text.trim() === "" || !Number.isFinite(value) ? null : value;
}
