/** What `thinghz jobs create` makes of its options: a job as the API takes it. */
import { readFileSync } from "node:fs";
import { isThingName } from "../../protocol/topics.ts";
import { parseDurationWithin, parseWhole } from "./duration.ts";
import { UsageError } from "./errors.ts";

/** Who is to do it, how fast, until when: of any command that makes a job. */
export interface JobOptions {
	readonly comment?: string;
	readonly to?: string;
	readonly where?: string;
	readonly rate?: string;
	readonly grow?: string;
	readonly abort?: readonly string[];
	readonly timeout?: string;
	readonly retries?: string;
	readonly stages?: string;
}

export interface CreateOptions extends JobOptions {
	readonly document: string;
	readonly foreign?: true;
}

const MINUTE_MS = 60_000;

/** @throws UsageError, also for a document that cannot be read */
export function jobRequest(id: string, options: CreateOptions): object {
	const settings = jobSettings(options);
	return {
		id,
		document: readDocument(options.document),
		...(options.foreign === true ? { foreign: true } : {}),
		...settings,
	};
}

/** What others look at of a job's settings. */
export interface RequestedTargets {
	/** Either these, or whoever matches `where`. */
	readonly devices?: readonly string[];
	readonly where?: string;
	readonly rollout?: {
		readonly maximumPerMinute: number;
		/** Percent. */
		readonly stages?: readonly number[];
	};
	readonly retries?: readonly unknown[];
}

/** All of a job but what it is called and what is to be done. @throws UsageError */
export function jobSettings(options: JobOptions): RequestedTargets {
	const { comment, to, where, grow, abort = [], retries, stages } = options;
	// What the API takes at most: in stages, the stages alone hold back.
	const rate = options.rate ?? (stages === undefined ? undefined : "1000");
	if ((to === undefined) === (where === undefined)) {
		throw new UsageError(
			"Say who is to do it: either --to DEVICE,DEVICE or --where QUERY.",
		);
	}
	if (grow !== undefined && options.rate === undefined) {
		throw new UsageError(
			"--grow needs --rate, above which the rate does not grow.",
		);
	}
	return {
		...(comment === undefined ? {} : { comment }),
		...(to !== undefined
			? { devices: namesOf(to) }
			: where === undefined
				? {}
				: { where }),
		...(rate === undefined
			? {}
			: {
					rollout: {
						maximumPerMinute: parseWhole(rate, "--rate", 1, 1000),
						...(grow === undefined ? {} : { exponential: growthOf(grow) }),
						...(stages === undefined ? {} : { stages: stagesOf(stages) }),
					},
				}),
		...(abort.length === 0 ? {} : { abort: abort.map(abortOf) }),
		...(options.timeout === undefined
			? {}
			: { timeoutMinutes: minutesOf(options.timeout) }),
		...(retries === undefined
			? {}
			: {
					retries: [
						{
							failureType: options.timeout === undefined ? "FAILED" : "ALL",
							retries: parseWhole(retries, "--retries", 0, 10),
						},
					],
				}),
	};
}

function readDocument(path: string): unknown {
	let text: string;
	try {
		text = readFileSync(path === "-" ? 0 : path, "utf8");
	} catch (error) {
		throw new UsageError(
			`${path} cannot be read: ${(error as Error).message}`,
			{ cause: error },
		);
	}
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new UsageError(`${path} is not JSON: ${(error as Error).message}`, {
			cause: error,
		});
	}
}

function namesOf(list: string): readonly string[] {
	const names = list.split(",").map((name) => name.trim());
	const wrong = names.find((name) => !isThingName(name));
	if (wrong !== undefined) {
		throw new UsageError(`--to: "${wrong}" is no name of a device.`);
	}
	return [...new Set(names)];
}

/** "5x2/10": from 5 a minute, twice as many each time that 10 more have succeeded. */
function growthOf(text: string): object {
	const [, base = "", factor = "", every = ""] =
		/^(\d{1,4})x(\d(?:\.\d)?)\/(\d{1,6})$/.exec(text) ?? [];
	if (base === "") {
		throw new UsageError(
			"--grow is BASExFACTOR/SUCCEEDED: 5x2/10 begins with 5 a minute and doubles each time that 10 more have succeeded.",
		);
	}
	return {
		baseRatePerMinute: Number(base),
		incrementFactor: Number(factor),
		succeededThings: Number(every),
	};
}

/** "5%,25%,100%". */
function stagesOf(text: string): readonly number[] {
	const parts = text
		.split(",")
		.map((part) => /^\s*(\d{1,3}(?:\.\d{1,2})?)%\s*$/.exec(part)?.[1]);
	const stages = parts.map(Number);
	const isRising = stages.every(
		(percent, at) => percent > (stages[at - 1] ?? 0) && percent <= 100,
	);
	if (isRising && stages.at(-1) === 100) return stages;
	throw new UsageError(
		"--stages are percentages of the devices that rise to 100%: 5%,25%,100%.",
	);
}

/** "20%/10" or "20%/10:FAILED". */
export function abortOf(text: string): object {
	const [, percent = "", least = "", type = "ALL"] =
		/^(\d{1,3}(?:\.\d{1,2})?)%\/(\d{1,6})(?::(FAILED|REJECTED|TIMED_OUT|ALL))?$/.exec(
			text,
		) ?? [];
	if (percent === "") {
		throw new UsageError(
			"--abort is PERCENT%/DEVICES, or PERCENT%/DEVICES:TYPE with FAILED, REJECTED, TIMED_OUT or ALL: 20%/10 gives up when a fifth of ten or more have failed.",
		);
	}
	return {
		failureType: type,
		thresholdPercentage: Number(percent),
		minExecutedThings: Number(least),
	};
}

/** AWS counts in whole minutes. */
function minutesOf(text: string): number {
	const ms = parseDurationWithin(text, "--timeout", ["1m", "7d"]);
	return Math.ceil(ms / MINUTE_MS);
}
