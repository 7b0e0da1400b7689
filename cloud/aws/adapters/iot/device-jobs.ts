/**
 * The latest jobs of a device on AWS: how those that have ended did is told by events of IoT Jobs and kept; those that go on are asked
 * for, with how far the device says it is.
 */
import type { IoTClient } from "@aws-sdk/client-iot";
import { JobError } from "../../../core/jobs/job.ts";
import {
	byNewest,
	type LatestExecutionStore,
	MAX_LATEST,
} from "../../../core/jobs/latest.ts";
import type { DeviceJob, DeviceJobs } from "../../../core/jobs/ports.ts";
import {
	describeExecution,
	type PendingExecution,
	pendingOf,
	predecessorOf,
} from "./executions.ts";

export function iotDeviceJobs(
	client: Pick<IoTClient, "send">,
	latest: Pick<LatestExecutionStore, "get">,
): DeviceJobs {
	return {
		async get(device) {
			const [ended, pending] = await Promise.all([
				latest.get(device),
				pendingOf(client, device),
			]);
			if (ended === null) return null;
			const goingOn = await Promise.all(
				pending
					.slice(0, MAX_LATEST)
					.map((one) => asDeviceJob(client, device, one, pending)),
			);
			const known = new Set(goingOn.map(({ jobId }) => jobId));
			return [
				...goingOn,
				...ended
					// Of an attempt before the one that goes on.
					.filter(({ jobId }) => !known.has(jobId))
					.map((one) => ({ ...one, waitsFor: null })),
			]
				.sort(byNewest)
				.slice(0, MAX_LATEST);
		},
	};
}

/** A device has one in progress at a time, so that one is asked for by itself. */
async function asDeviceJob(
	client: Pick<IoTClient, "send">,
	device: string,
	{ jobId, status, updatedMs }: PendingExecution,
	pending: readonly PendingExecution[],
): Promise<DeviceJob> {
	const job = {
		jobId,
		status,
		statusDetails: {},
		atMs: updatedMs,
		deleted: false,
		waitsFor: status === "QUEUED" ? predecessorOf(jobId, pending) : null,
	};
	if (status === "QUEUED") return job;
	try {
		const now = await describeExecution(client, jobId, device);
		return {
			...job,
			status: now.status,
			statusDetails: now.statusDetails ?? {},
			atMs: now.updatedMs ?? updatedMs,
		};
	} catch (error) {
		// Deleted since it was listed.
		if (!(error instanceof JobError) || error.code !== "unknown_execution") {
			throw error;
		}
		return { ...job, deleted: true };
	}
}
