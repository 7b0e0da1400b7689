/** A device's jobs, crashes and log, as the API gives them, and the job that asks for its log. */
import { ApiError, getJson, request } from "./client.ts";

export interface JobInfo {
	/** Id of the job. */
	readonly job: string;
	/** As AWS IoT names them: QUEUED, IN_PROGRESS, SUCCEEDED, … */
	readonly status: string;
	readonly statusDetails: Readonly<Record<string, string>>;
	/** ISO-8601: when it came to that. */
	readonly at: string;
	/** While it is QUEUED: the job that the device does before. */
	readonly waitsFor: string | null;
}

export interface CrashInfo {
	/** ISO-8601: when the node told of it. */
	readonly told: string;
	/** When it happened, where the node knew the time. */
	readonly time: string | null;
	readonly reason: string;
	readonly boot: number;
	readonly uptimeMs: number | null;
	readonly firmware: string | null;
	readonly freeBytes: number | null;
	/** What the engine said, and where. */
	readonly cause: string | null;
	/** Crashes before this one of which nothing else is known. */
	readonly untold: number;
}

export interface LineInfo {
	readonly boot: number;
	readonly number: number;
	/** ISO-8601 */
	readonly time: string;
	/** It was written then or before. */
	readonly isLatest: boolean;
	readonly level: string;
	readonly text: string;
}

const CRASHES = 10;
const LINES = 100;

function pathOf(device: string): string {
	return `/v1/devices/${encodeURIComponent(device)}`;
}

/** Newest first. @throws ApiError */
export async function listJobs(
	device: string,
	signal: AbortSignal,
): Promise<readonly JobInfo[]> {
	const path = `${pathOf(device)}/jobs`;
	return (await getJson<{ jobs: JobInfo[] }>(path, signal)).jobs;
}

/** The latest, newest first. @throws ApiError */
export async function listCrashes(
	device: string,
	signal: AbortSignal,
): Promise<readonly CrashInfo[]> {
	const path = `${pathOf(device)}/crashes?limit=${CRASHES}`;
	return (await getJson<{ crashes: CrashInfo[] }>(path, signal)).crashes;
}

/** The latest, in the order in which they were written. @throws ApiError */
export async function listLines(
	device: string,
	signal: AbortSignal,
): Promise<readonly LineInfo[]> {
	const path = `${pathOf(device)}/logs?limit=${LINES}`;
	return (await getJson<{ lines: LineInfo[] }>(path, signal)).lines.reverse();
}

/** Has the device send its log. @returns the job's id @throws ApiError */
export async function askForLog(device: string): Promise<string> {
	const random = crypto.getRandomValues(new Uint8Array(8));
	const id = `logs-${[...random].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
	const response = await request("/v1/jobs", {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({
			id,
			document: { operation: "logs", version: 1 },
			devices: [device],
		}),
	});
	if (response.status !== 201) {
		throw new ApiError(response.status, "The log was not asked for.");
	}
	return id;
}
