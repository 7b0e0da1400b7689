/** What `thinghz alerts add` and `edit` make of their options. */
import type {
	ConditionDocument,
	RuleDocument,
	RuleDraftDocument,
} from "../../cloud/api/alert-schemas.ts";
import { parseDurationWithin } from "./duration.ts";
import { UsageError } from "./errors.ts";
import type { Target } from "./target.ts";

export interface RuleOptions {
	readonly device?: string;
	readonly channel?: string;
	readonly above?: string;
	readonly below?: string;
	readonly hysteresis?: string;
	readonly for?: string;
	readonly noData?: string;
	readonly offline?: string;
	readonly email?: readonly string[];
	readonly webhook?: readonly string[];
	/** True where nobody is named. */
	readonly push?: string | true;
}

export interface EditOptions extends RuleOptions {
	readonly name?: string;
	/** Of each device instead of one. */
	readonly each?: boolean;
	/** Tells nobody any more. */
	readonly nobody?: boolean;
}

/** Whoever signs in by the link that `thinghz up` or `thinghz signin` prints. */
const LOCAL_SUBJECT = "local";

/** As the API takes it. @throws UsageError */
export function conditionOf(options: RuleOptions): ConditionDocument {
	const { channel, above, below, noData, offline } = options;
	const { hysteresis = "0", for: held = "0s" } = options;
	const named = Object.entries({
		"--above": above,
		"--below": below,
		"--no-data": noData,
		"--offline": offline,
	}).filter(([, value]) => value !== undefined);
	const [first, second] = named;
	if (first === undefined || second !== undefined) {
		throw new UsageError(
			`Say when: one of --above VALUE, --below VALUE, --no-data DURATION and --offline DURATION${second === undefined ? "" : `, not ${named.map(([name]) => name).join(" and ")}`}.`,
		);
	}
	const limit = above ?? below;
	if (limit === undefined) return silenceOf(options);
	if (channel === undefined) {
		throw new UsageError(`${first[0]}: say of which channel, by --channel ID.`);
	}
	return {
		type: "threshold",
		channel,
		direction: above === undefined ? "below" : "above",
		limit: parseNumber(limit, first[0]),
		hysteresis: parseHysteresis(hysteresis),
		forMs: parseDurationWithin(held, "--for", ["0s", "30d"]),
	};
}

function silenceOf({
	channel,
	noData,
	offline,
	for: held = "0s",
	hysteresis = "0",
}: RuleOptions): ConditionDocument {
	if (hysteresis !== "0" || held !== "0s") {
		throw new UsageError(
			"--hysteresis and --for go with --above and --below; the others say how long themselves.",
		);
	}
	if (noData !== undefined) {
		const forMs = parseDurationWithin(noData, "--no-data", ["1m", "30d"]);
		return { type: "no_data", channel: channel ?? null, forMs };
	}
	if (channel !== undefined) {
		throw new UsageError("--channel does not go with --offline.");
	}
	const forMs = parseDurationWithin(offline ?? "", "--offline", ["1m", "30d"]);
	return { type: "offline", forMs };
}

/**
 * A rule as the API takes it, with what the options say and the rest as it was. An option of a condition changes that of the
 * same kind, and leaves what else it says; another kind of condition is a new one.
 * @throws UsageError
 */
export function editedRule(
	rule: RuleDocument,
	options: EditOptions,
	target: Target,
): RuleDraftDocument {
	const {
		name = rule.name,
		device,
		each,
		nobody,
		email,
		webhook,
		push,
	} = options;
	if (device !== undefined && each) {
		throw new UsageError("--device and --each: keep one.");
	}
	const names = [email, webhook, push].some((one) => one !== undefined);
	if (names && nobody) {
		throw new UsageError(
			"--nobody goes with none of --email, --webhook and --push.",
		);
	}
	const draft = {
		...draftOf(rule),
		name,
		device: each ? null : (device ?? rule.device),
		condition: editedCondition(rule.condition, options),
		notify: nobody
			? []
			: names
				? [...targetsOf(options, target)]
				: draftOf(rule).notify,
	};
	if (JSON.stringify(draft) === JSON.stringify(draftOf(rule))) {
		throw new UsageError(
			"Say what is to change; `thinghz alerts edit --help` says what can.",
		);
	}
	return draft;
}

/** What of a rule can be changed. */
export function draftOf(rule: RuleDocument): RuleDraftDocument {
	const { name, device, condition, enabled, notify } = rule;
	return { name, device, condition, enabled, notify };
}

function editedCondition(
	condition: ConditionDocument,
	options: RuleOptions,
): ConditionDocument {
	const {
		channel,
		above,
		below,
		noData,
		offline,
		hysteresis,
		for: held,
	} = options;
	const when = { above, below, noData, offline };
	const said = Object.fromEntries(
		Object.entries({ channel, ...when, hysteresis, for: held }).filter(
			([, value]) => value !== undefined,
		),
	);
	if (Object.keys(said).length === 0) return condition;
	if (Object.values(when).every((value) => value === undefined)) {
		return conditionOf({ ...optionsOf(condition), ...said });
	}
	const { type } = condition;
	const isOfKind =
		(type === "threshold" && noData === undefined && offline === undefined) ||
		(type === "no_data" && noData !== undefined) ||
		(type === "offline" && offline !== undefined);
	if (!isOfKind) return conditionOf(said);
	const { above: _above, below: _below, ...before } = optionsOf(condition);
	return conditionOf({ ...before, ...said });
}

/** The options that say a condition. */
function optionsOf(condition: ConditionDocument): RuleOptions {
	const duration = `${condition.forMs}ms`;
	switch (condition.type) {
		case "threshold": {
			const { channel, direction, limit, hysteresis } = condition;
			return {
				channel,
				[direction]: String(limit),
				hysteresis: String(hysteresis),
				for: duration,
			};
		}
		case "no_data":
			return {
				noData: duration,
				...(condition.channel === null ? {} : { channel: condition.channel }),
			};
		case "offline":
			return { offline: duration };
	}
}

/** As the API takes them. */
export function targetsOf(
	{ email = [], webhook = [], push }: RuleOptions,
	target: Target,
): RuleDraftDocument["notify"] {
	return [
		...email.map((address) => ({ type: "email" as const, address })),
		...webhook.map((url) => ({ type: "webhook" as const, url })),
		...(push === undefined
			? []
			: [{ type: "push" as const, ...subjectOf(push, target) }]),
	];
}

/** On AWS the API knows who calls; on one machine the command is not who looks at the page. */
function subjectOf(
	push: string | true,
	target: Target,
): { readonly subject?: string } {
	if (push !== true) return { subject: push };
	return target === "aws" ? {} : { subject: LOCAL_SUBJECT };
}

function parseHysteresis(text: string): number {
	const value = parseNumber(text, "--hysteresis");
	if (value < 0) {
		throw new UsageError(
			`--hysteresis: "${text}" is below 0: it is how far back from the limit a value has to come.`,
		);
	}
	return value;
}

function parseNumber(text: string, option: string): number {
	const value = Number(text);
	if (text.trim() === "" || !Number.isFinite(value)) {
		throw new UsageError(`${option}: "${text}" is not a number.`);
	}
	return value;
}
