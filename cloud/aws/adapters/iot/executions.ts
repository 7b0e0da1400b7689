/**
 * Executions of jobs on AWS IoT, one by one and of one thing: its lists say neither why one failed nor what it waits for.
 * https://docs.aws.amazon.com/iot/latest/apireference/API_DescribeJobExecution.html, API_ListJobExecutionsForThing.html
 */
import {
	DescribeJobExecutionCommand,
	type DescribeJobExecutionCommandOutput,
	type IoTClient,
	type JobExecutionSummary,
	ListJobExecutionsForThingCommand,
	type ListJobExecutionsForThingCommandOutput,
} from "@aws-sdk/client-iot";
import { JobError, type JobErrorCode } from "../../../core/jobs/job.ts";
import type { ExecutionView } from "../../../core/jobs/ports.ts";
import { isExecutionStatus } from "../../../core/jobs/statuses.ts";
import { jobErrorOf } from "./job-errors.ts";

type Client = Pick<IoTClient, "send">;

/** An execution that has not ended. */
export interface PendingExecution {
	readonly jobId: string;
	readonly status: "QUEUED" | "IN_PROGRESS";
	/** ms since the epoch; AWS tells it to the second or finer. */
	readonly queuedMs: number;
	/** null before it has begun. */
	readonly startedMs: number | null;
	readonly updatedMs: number;
}

/** What a device may have waiting at a time is far less. */
const MAX_PENDING = 250;

/** As a list has it. */
export function executionView(
	thing: string,
	summary: JobExecutionSummary,
): ExecutionView {
	return {
		thing,
		status: isExecutionStatus(summary.status) ? summary.status : "QUEUED",
		statusDetails: null,
		queuedMs: summary.queuedAt?.getTime() ?? null,
		startedMs: summary.startedAt?.getTime() ?? null,
		updatedMs: summary.lastUpdatedAt?.getTime() ?? null,
		executionNumber: summary.executionNumber ?? 1,
		waitsFor: null,
	};
}

/** With what the device says of it, and what it waits for. @throws JobError unknown_execution, StoreError */
export async function describeExecution(
	client: Client,
	jobId: string,
	thing: string,
): Promise<ExecutionView> {
	const { execution } = await askIot<DescribeJobExecutionCommandOutput>(
		client,
		"read the job's execution",
		new DescribeJobExecutionCommand({ jobId, thingName: thing }),
		"unknown_execution",
	);
	if (execution === undefined) {
		throw new JobError(
			"unknown_execution",
			`${thing} has not been told of the job ${jobId}.`,
		);
	}
	const { statusDetails, ...summary } = execution;
	const view = executionView(thing, summary);
	return {
		...view,
		statusDetails: statusDetails?.detailsMap ?? {},
		waitsFor:
			view.status === "QUEUED"
				? predecessorOf(jobId, await pendingOf(client, thing))
				: null,
	};
}

/**
 * In the order in which the thing is given them: what is in progress first, then by when they were queued ("Job executions order" of
 * https://docs.aws.amazon.com/iot/latest/developerguide/jobs-workflow-device-online.html). None where there is no such thing.
 * @throws JobError, StoreError
 */
export async function pendingOf(
	client: Client,
	thing: string,
): Promise<readonly PendingExecution[]> {
	const [begun, queued] = await Promise.all([
		listOf(client, thing, "IN_PROGRESS"),
		listOf(client, thing, "QUEUED"),
	]);
	// Whatever came from one state into the other between the two questions is in progress now.
	const known = new Set(begun.map(({ jobId }) => jobId));
	return [...begun, ...queued.filter(({ jobId }) => !known.has(jobId))];
}

/** Id of what is right before a job in that order; null where nothing is. */
export function predecessorOf(
	jobId: string,
	pending: readonly PendingExecution[],
): string | null {
	const at = pending.findIndex((one) => one.jobId === jobId);
	return pending[at - 1]?.jobId ?? null;
}

async function listOf(
	client: Client,
	thing: string,
	status: PendingExecution["status"],
): Promise<readonly PendingExecution[]> {
	let found: ListJobExecutionsForThingCommandOutput;
	try {
		found = await askIot(
			client,
			"list the thing's jobs",
			new ListJobExecutionsForThingCommand({
				thingName: thing,
				status,
				maxResults: MAX_PENDING,
			}),
			"unknown_target",
		);
	} catch (error) {
		if (error instanceof JobError && error.code === "unknown_target") return [];
		throw error;
	}
	return (found.executionSummaries ?? [])
		.map(({ jobId = "", jobExecutionSummary = {} }) => ({
			jobId,
			status,
			queuedMs: jobExecutionSummary.queuedAt?.getTime() ?? 0,
			startedMs: jobExecutionSummary.startedAt?.getTime() ?? null,
			updatedMs: jobExecutionSummary.lastUpdatedAt?.getTime() ?? 0,
		}))
		.sort((a, b) => a.queuedMs - b.queuedMs);
}

/** @throws JobError, StoreError */
export async function askIot<Output>(
	client: Client,
	what: string,
	command: object,
	notFound: JobErrorCode,
): Promise<Output> {
	try {
		return (await client.send(command as never)) as Output;
	} catch (error) {
		throw jobErrorOf(what, error as Error, notFound);
	}
}

export function nameOf(arn: string): string {
	return arn.slice(arn.indexOf("/") + 1);
}
