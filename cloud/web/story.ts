/** What a device's jobs and crashes are in words. */
import { formatEvery } from "./format.ts";
import type { CrashInfo, JobInfo } from "./story-client.ts";

const OPEN: readonly string[] = ["QUEUED", "IN_PROGRESS"];

export function isGoingOn({ status }: Pick<JobInfo, "status">): boolean {
	return OPEN.includes(status);
}

/** In the order in which the device does them. */
export function goingOn(jobs: readonly JobInfo[]): readonly JobInfo[] {
	const open = jobs.filter(isGoingOn);
	const first = open.filter(({ status }) => status === "IN_PROGRESS");
	const waiting = open.filter(({ status }) => status === "QUEUED");
	waiting.sort((a, b) => (a.at < b.at ? -1 : 1));
	return [...first, ...waiting];
}

/** Of a download, 0 to 100; null where the device does not say. */
export function percentOf({ statusDetails }: JobInfo): number | null {
	const percent = Number.parseInt(statusDetails.progress ?? "", 10);
	return percent >= 0 && percent <= 100 ? percent : null;
}

/** "loading 1.2.0, 40 %"; "waits for update-1-2-0"; "FAILED: wrong_board" */
export function jobText(job: JobInfo, isOnline: boolean): string {
	const { status, statusDetails, waitsFor } = job;
	const { step, version, reason, detail } = statusDetails;
	if (status === "QUEUED") {
		if (waitsFor !== null) return `waits for ${waitsFor}`;
		return isOnline ? "is about to begin" : "waits until the device is back";
	}
	if (status === "IN_PROGRESS") {
		const percent = percentOf(job);
		const doing = [step ?? "in progress", version].filter(isThere).join(" ");
		return percent === null ? doing : `${doing}, ${percent} %`;
	}
	const why = [reason, detail].filter(isThere).join(": ");
	const what = status.toLowerCase().replaceAll("_", " ");
	return why === "" ? what : `${what}: ${why}`;
}

/** "after 3 h, with 12,345 B free, firmware 1.2.0" */
export function crashText(crash: CrashInfo): string {
	const { uptimeMs, freeBytes, firmware, untold } = crash;
	return [
		uptimeMs === null ? null : `after ${uptimeText(uptimeMs)}`,
		freeBytes === null ? null : `${freeBytes.toLocaleString("en")} B free`,
		firmware === null ? null : `firmware ${firmware}`,
		untold === 0 ? null : `${untold} more before it`,
	]
		.filter(isThere)
		.join(", ");
}

function uptimeText(uptimeMs: number): string {
	const unitMs = [86_400_000, 3_600_000, 60_000, 1000].find(
		(unit) => uptimeMs >= unit,
	);
	if (unitMs === undefined) return `${uptimeMs} ms`;
	return formatEvery(Math.floor(uptimeMs / unitMs) * unitMs);
}

function isThere(text: string | null | undefined): text is string {
	return text !== null && text !== undefined && text !== "";
}
