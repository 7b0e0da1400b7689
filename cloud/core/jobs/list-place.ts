/** Where a page of the list of jobs ends: newest first, then by id. */
import { InvalidQuery } from "../errors.ts";
import type { Job } from "./job.ts";

type ListPlace = Pick<Job, "createdMs" | "jobId">;

/** @throws InvalidQuery "bad_cursor" */
export function parseListPlace(cursor: string): ListPlace {
	const [, createdMs, jobId] = /^(\d{1,16})\.([\w-]{1,64})$/.exec(cursor) ?? [];
	if (jobId === undefined) {
		throw new InvalidQuery(
			"bad_cursor",
			"The cursor is none that a page of jobs ended with.",
		);
	}
	return { createdMs: Number(createdMs), jobId };
}

export function formatListPlace({ createdMs, jobId }: ListPlace): string {
	return `${createdMs}.${jobId}`;
}

export function isAfter(job: ListPlace, place: ListPlace): boolean {
	return job.createdMs === place.createdMs
		? job.jobId > place.jobId
		: job.createdMs < place.createdMs;
}
