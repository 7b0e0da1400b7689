/** What `thinghz alerts add` makes of its options. */
import { parseDurationWithin } from "./duration.ts";
import { UsageError } from "./errors.ts";
import type { Target } from "./target.ts";

export interface RuleOptions {
	readonly device?: string;
	readonly channel?: string;
	readonly above?: string;
	readonly below?: string;
	readonly hysteresis: string;
	readonly for: string;
	readonly noData?: string;
	readonly offline?: string;
	readonly email?: readonly string[];
	readonly webhook?: readonly string[];
	/** True where nobody is named. */
	readonly push?: string | true;
}

/** Whoever signs in by the link that `thinghz up` or `thinghz signin` prints. */
const LOCAL_SUBJECT = "local";

/** As the API takes it. @throws UsageError */
export function conditionOf(options: RuleOptions): object {
	const { channel, above, below, noData, offline } = options;
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
		hysteresis: parseHysteresis(options.hysteresis),
		forMs: parseDurationWithin(options.for, "--for", ["0s", "30d"]),
	};
}

function silenceOf({
	channel,
	noData,
	offline,
	for: held,
	hysteresis,
}: RuleOptions): object {
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

/** As the API takes them. */
export function targetsOf(
	{ email = [], webhook = [], push }: RuleOptions,
	target: Target,
): readonly { readonly type: string }[] {
	return [
		...email.map((address) => ({ type: "email", address })),
		...webhook.map((url) => ({ type: "webhook", url })),
		...(push === undefined
			? []
			: [{ type: "push", ...subjectOf(push, target) }]),
	];
}

/** On AWS the API knows who calls; on one machine the command is not who looks at the page. */
function subjectOf(push: string | true, target: Target): object {
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
