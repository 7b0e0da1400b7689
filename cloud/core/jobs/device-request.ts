/** What a device asks about its jobs, read from a message: "Jobs device MQTT API", the requests. */
import type { Members } from "../request-members.ts";
import type { ExecutionUpdate } from "./execution.ts";
import type { StatusDetails } from "./statuses.ts";

/** https://docs.aws.amazon.com/iot/latest/developerguide/jobs-api.html ("ErrorResponse") */
export type JobsErrorCode =
	| "InvalidTopic"
	| "InvalidJson"
	| "InvalidRequest"
	| "InvalidStateTransition"
	| "ResourceNotFound"
	| "VersionMismatch"
	| "TerminalStateReached"
	| "RequestThrottled"
	| "InternalError";

export class JobsRequestError extends Error {
	override readonly name = "JobsRequestError";
	readonly code: JobsErrorCode;

	constructor(code: JobsErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

export type JobsOperation =
	| { readonly kind: "pending" }
	| { readonly kind: "start-next" }
	/** `jobId` is null for `$next`. */
	| { readonly kind: "describe"; readonly jobId: string | null }
	| { readonly kind: "update"; readonly jobId: string };

export interface JobsTopic {
	readonly thing: string;
	/** Null where there is no such operation. */
	readonly operation: JobsOperation | null;
}

/** @returns null for a topic that is none of jobs */
export function parseJobsTopic(topic: string): JobsTopic | null {
	const [, thing, rest] =
		/^\$aws\/things\/([^/]+)\/jobs\/(.*)$/.exec(topic) ?? [];
	if (thing === undefined || rest === undefined) return null;
	if (rest === "get") return { thing, operation: { kind: "pending" } };
	if (rest === "start-next") {
		return { thing, operation: { kind: "start-next" } };
	}
	const [, jobId = "", name] =
		/^([a-zA-Z0-9_-]{1,64}|\$next)\/(get|update)$/.exec(rest) ?? [];
	if (name === "get") {
		const wanted = jobId === "$next" ? null : jobId;
		return { thing, operation: { kind: "describe", jobId: wanted } };
	}
	return name === "update" && jobId !== "$next"
		? { thing, operation: { kind: "update", jobId } }
		: { thing, operation: null };
}

const MAX_TOKEN_CHARS = 64;

/** @throws JobsRequestError */
export function readClientToken({ clientToken }: Members): string | undefined {
	if (clientToken === undefined) return undefined;
	if (
		typeof clientToken !== "string" ||
		clientToken === "" ||
		clientToken.length > MAX_TOKEN_CHARS
	) {
		throw invalid(
			`clientToken is a text of 1 to ${MAX_TOKEN_CHARS} characters.`,
		);
	}
	return clientToken;
}

/** Of `UpdateJobExecution`. @throws JobsRequestError */
export function readUpdate(members: Members): ExecutionUpdate {
	const { status } = members;
	if (
		status !== "IN_PROGRESS" &&
		status !== "SUCCEEDED" &&
		status !== "FAILED" &&
		status !== "REJECTED"
	) {
		throw invalid("status is IN_PROGRESS, SUCCEEDED, FAILED or REJECTED.");
	}
	const expectedVersion = readWhole(members, "expectedVersion");
	const executionNumber = readWhole(members, "executionNumber");
	return {
		status,
		...readBegin(members),
		...(expectedVersion === undefined ? {} : { expectedVersion }),
		...(executionNumber === undefined ? {} : { executionNumber }),
	};
}

/** What beginning and updating have in common. @throws JobsRequestError */
export function readBegin(
	members: Members,
): Pick<ExecutionUpdate, "statusDetails" | "stepTimeoutMinutes"> {
	const statusDetails = readDetails(members.statusDetails);
	const step = members.stepTimeoutInMinutes;
	if (
		step !== undefined &&
		step !== -1 &&
		!(isWhole(step) && step >= 1 && step <= MAX_STEP_MINUTES)
	) {
		throw invalid(
			`stepTimeoutInMinutes is a whole number from 1 to ${MAX_STEP_MINUTES}, or -1.`,
		);
	}
	return {
		...(statusDetails === undefined ? {} : { statusDetails }),
		...(step === undefined ? {} : { stepTimeoutMinutes: step as number }),
	};
}

/** @throws JobsRequestError */
export function readFlag(
	members: Members,
	name: string,
	otherwise: boolean,
): boolean {
	const value = members[name];
	if (value === undefined) return otherwise;
	if (typeof value !== "boolean") throw invalid(`${name} is true or false.`);
	return value;
}

/** AWS writes versions as texts in places. @throws JobsRequestError */
export function readWhole(members: Members, name: string): number | undefined {
	const value = members[name];
	if (value === undefined) return undefined;
	const number =
		typeof value === "string" && /^\d{1,15}$/.test(value)
			? Number(value)
			: value;
	if (!isWhole(number) || number < 0) {
		throw invalid(`${name} is a whole number.`);
	}
	return number;
}

const MAX_STEP_MINUTES = 7 * 24 * 60;
/** https://docs.aws.amazon.com/iot/latest/apireference/API_JobExecutionStatusDetails.html and "Jobs limits". */
const MAX_DETAILS = 10;
const MAX_DETAIL_NAME = 128;
const MAX_DETAIL_VALUE = 1024;

function readDetails(value: unknown): StatusDetails | undefined {
	if (value === undefined) return undefined;
	if (typeof value !== "object" || value === null || Array.isArray(value)) {
		throw invalid("statusDetails is an object.");
	}
	const pairs = Object.entries(value);
	if (pairs.length > MAX_DETAILS) {
		throw invalid(`statusDetails has at most ${MAX_DETAILS} members.`);
	}
	for (const [name, detail] of pairs) {
		if (!/^[a-zA-Z0-9:_-]+$/.test(name) || name.length > MAX_DETAIL_NAME) {
			throw invalid(
				`The names in statusDetails are 1 to ${MAX_DETAIL_NAME} letters, digits, ":", "_" and "-".`,
			);
		}
		if (
			typeof detail !== "string" ||
			detail === "" ||
			detail.length > MAX_DETAIL_VALUE
		) {
			throw invalid(
				`The members of statusDetails are texts of 1 to ${MAX_DETAIL_VALUE} characters.`,
			);
		}
	}
	return value as StatusDetails;
}

function isWhole(value: unknown): value is number {
	return Number.isSafeInteger(value);
}

function invalid(message: string): JobsRequestError {
	return new JobsRequestError("InvalidRequest", message);
}
