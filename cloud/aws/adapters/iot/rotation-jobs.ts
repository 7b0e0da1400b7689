/**
 * Whether a thing has a job `rotate` to do, as AWS IoT knows it. Asked where the job did not say so as it was made: of a thing that came to
 * its dynamic group later, which no event of IoT Jobs tells of in time.
 */
import {
	GetJobDocumentCommand,
	type GetJobDocumentCommandOutput,
	type IoTClient,
} from "@aws-sdk/client-iot";
import type { RotationJobs } from "../../../core/claims.ts";
import { JobError } from "../../../core/jobs/job.ts";
import { isRotation } from "../../../core/jobs/rotation-jobs.ts";
import { askIot, pendingOf } from "./executions.ts";

/** AWS IoT waits for the answer for 5 s: of a thing that has more to do, only so many are looked at, those that come first. */
const MAX_LOOKED_AT = 5;

export function iotRotationJobs(client: Pick<IoTClient, "send">): RotationJobs {
	return {
		async sinceMs(thing) {
			const pending = await pendingOf(client, thing);
			for (const one of pending.slice(0, MAX_LOOKED_AT)) {
				if (isRotation(await documentOf(client, one.jobId)))
					return one.startedMs ?? one.queuedMs;
			}
			return null;
		},
	};
}

/** An empty one of a job that has been deleted since it was listed. */
async function documentOf(
	client: Pick<IoTClient, "send">,
	jobId: string,
): Promise<string> {
	try {
		const { document = "{}" } = await askIot<GetJobDocumentCommandOutput>(
			client,
			"read the job's document",
			new GetJobDocumentCommand({ jobId }),
			"unknown_job",
		);
		return document;
	} catch (error) {
		if (error instanceof JobError && error.code === "unknown_job") return "{}";
		throw error;
	}
}
