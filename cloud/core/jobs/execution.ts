/**
 * What may become of one execution, and what it then is: its states, versions and timers.
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-jobs-lifecycle.html
 */
import type { Execution, Job } from "./job.ts";
import type { StatusDetails } from "./statuses.ts";

const MINUTE_MS = 60_000;

/** What a device says of an execution. */
export interface ExecutionUpdate {
	readonly status: "IN_PROGRESS" | "SUCCEEDED" | "FAILED" | "REJECTED";
	/** Undefined: they stay as they are. */
	readonly statusDetails?: StatusDetails;
	readonly expectedVersion?: number;
	readonly executionNumber?: number;
	/** -1 ends the timer; undefined leaves it. */
	readonly stepTimeoutMinutes?: number;
}

/** An execution is not as who asks believes. */
export class ExecutionRefusal extends Error {
	override readonly name = "ExecutionRefusal";
	readonly code:
		| "ResourceNotFound"
		| "VersionMismatch"
		| "InvalidStateTransition"
		| "TerminalStateReached";
	/** As it is. */
	readonly execution: Execution | null;

	constructor(
		code: ExecutionRefusal["code"],
		message: string,
		execution: Execution | null,
	) {
		super(message);
		this.code = code;
		this.execution = execution;
	}
}

/** Of an attempt that has not begun. @param order in which a thing takes its executions */
export function fresh(order: number, nowMs: number) {
	return {
		versionNumber: 1,
		order,
		status: "QUEUED",
		statusDetails: {},
		queuedMs: nowMs,
		startedMs: null,
		updatedMs: nowMs,
		timeoutMs: null,
		stepTimeoutMs: null,
	} as const;
}

/** As a device says that it is. */
export function updated(
	before: Execution,
	update: ExecutionUpdate,
	{ timeoutMinutes }: Pick<Job, "timeoutMinutes">,
	nowMs: number,
): Execution {
	const { status, statusDetails, stepTimeoutMinutes: step } = update;
	const begins = before.status === "QUEUED";
	return {
		...before,
		status,
		statusDetails: statusDetails ?? before.statusDetails,
		versionNumber: before.versionNumber + 1,
		startedMs: before.startedMs ?? nowMs,
		updatedMs: nowMs,
		timeoutMs:
			begins && timeoutMinutes !== null
				? nowMs + timeoutMinutes * MINUTE_MS
				: before.timeoutMs,
		stepTimeoutMs:
			step === undefined
				? before.stepTimeoutMs
				: step < 0
					? null
					: nowMs + step * MINUTE_MS,
	};
}

/** Of an attempt that has ended as its status says: nothing runs any more, and how it failed is kept. */
export function settledAs(ended: Execution): Execution {
	const { status } = ended;
	const isFailure =
		status === "FAILED" || status === "REJECTED" || status === "TIMED_OUT";
	return {
		...ended,
		timeoutMs: null,
		stepTimeoutMs: null,
		failure: isFailure ? status : status === "SUCCEEDED" ? null : ended.failure,
	};
}

/** When the first of its timers expires. */
export function deadlineOf({
	status,
	timeoutMs,
	stepTimeoutMs,
}: Execution): number {
	if (status !== "IN_PROGRESS") return Number.POSITIVE_INFINITY;
	return Math.min(
		timeoutMs ?? Number.POSITIVE_INFINITY,
		stepTimeoutMs ?? Number.POSITIVE_INFINITY,
	);
}

/** Ended by the cloud, without the device. */
export function closed(
	execution: Execution,
	status: "CANCELED" | "REMOVED",
	nowMs: number,
): Execution {
	return {
		...execution,
		status,
		versionNumber: execution.versionNumber + 1,
		updatedMs: nowMs,
		timeoutMs: null,
		stepTimeoutMs: null,
	};
}

export function hasRetryLeft(
	job: Job,
	{ retried }: Execution,
	status: "FAILED" | "TIMED_OUT",
): boolean {
	return job.retries.some(({ failureType, retries }) => {
		if (failureType === "ALL") {
			return retried.FAILED + retried.TIMED_OUT < retries;
		}
		return failureType === status && retried[status] < retries;
	});
}

export function isNumber(
	execution: Execution,
	wanted: number | undefined,
): boolean {
	return wanted === undefined || wanted === execution.executionNumber;
}

/** @throws ExecutionRefusal */
export function requireVersion(
	execution: Execution,
	expected: number | undefined,
): void {
	if (expected === undefined || expected === execution.versionNumber) return;
	throw new ExecutionRefusal(
		"VersionMismatch",
		`The execution has the version ${execution.versionNumber}, not ${expected}.`,
		execution,
	);
}
