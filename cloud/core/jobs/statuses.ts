/**
 * The states of a job's execution on one thing, as AWS IoT names them: "Job execution states" of
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-jobs-lifecycle.html
 */

export const EXECUTION_STATUSES = [
	"QUEUED",
	"IN_PROGRESS",
	"SUCCEEDED",
	"FAILED",
	"TIMED_OUT",
	"REJECTED",
	"REMOVED",
	"CANCELED",
] as const;

export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

/** What a device says of its progress: at most ten pairs. */
export type StatusDetails = Readonly<Record<string, string>>;

export function isExecutionStatus(value: unknown): value is ExecutionStatus {
	return EXECUTION_STATUSES.some((status) => status === value);
}

/** Whether an execution has ended: nothing changes it any more. */
export function isTerminal(status: ExecutionStatus): boolean {
	return status !== "QUEUED" && status !== "IN_PROGRESS";
}
