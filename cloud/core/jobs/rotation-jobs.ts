/**
 * Who may exchange its certificate for having a job `rotate` to do. A cloud that carries jobs out itself knows that when it is asked. Where
 * asking costs (AWS IoT answers ten such questions a second), those whom a job names or finds are allowed as it is made, and that is taken
 * back when the job ends otherwise than by being done.
 */
import {
	allowRotation,
	type ClaimStore,
	forbidRotation,
	type RotationJobs,
} from "../claims.ts";
import type { Clock } from "../ports.ts";
import { JobError, type JobSettings, requireSettings } from "./job.ts";
import type { Jobs } from "./jobs.ts";
import type { Fleet, JobControl, JobView } from "./ports.ts";
import { matches, parseQuery } from "./query.ts";

/** Writes under way at a time. */
const AT_ONCE = 10;

export function jobsThatAllowRotation(
	jobs: JobControl,
	deps: {
		readonly claims: Pick<ClaimStore, "allow" | "revoke">;
		readonly fleet: Fleet;
		readonly clock: Clock;
	},
): JobControl {
	const { claims, fleet, clock } = deps;
	/** Those that the job is for now. @throws JobError for a query that makes no sense */
	async function targetsOf({
		targets,
	}: Pick<JobSettings, "targets">): Promise<readonly string[]> {
		const terms = "where" in targets ? parseQuery(targets.where) : null;
		const devices = await fleet.list();
		if ("things" in targets) {
			const known = new Set(devices.map(({ name }) => name));
			return targets.things.filter((name) => known.has(name));
		}
		return devices
			.filter((device) => matches(terms ?? [], device))
			.map(({ name }) => name);
	}
	async function forEach(
		names: readonly string[],
		act: (name: string) => Promise<void>,
	): Promise<void> {
		for (let at = 0; at < names.length; at += AT_ONCE)
			await Promise.all(names.slice(at, at + AT_ONCE).map(act));
	}
	/** Who has such a job to do all the same is allowed when it asks. */
	const forbid = (names: readonly string[]) =>
		forEach(names, (name) => forbidRotation(claims, name));
	return {
		async create(settings) {
			if (!isRotation(settings.document)) return jobs.create(settings);
			requireSettings(settings);
			const names = await targetsOf(settings);
			const nowMs = clock.nowMs();
			try {
				// Before there is the job: a device is at it within a second.
				await forEach(names, (name) => allowRotation(claims, name, nowMs));
				return await jobs.create(settings);
			} catch (error) {
				await forbid(names);
				throw error;
			}
		},
		list: (limit, cursor) => jobs.list(limit, cursor),
		show: (jobId) => jobs.show(jobId),
		executions: (jobId, options) => jobs.executions(jobId, options),
		execution: (jobId, thing) => jobs.execution(jobId, thing),
		async cancel(jobId, force) {
			const view = await jobs.cancel(jobId, force);
			if (isRotation(view.document)) await forbid(await targetsOf(view));
			return view;
		},
		async delete(jobId, force) {
			const view = await viewOf(jobs, jobId);
			await jobs.delete(jobId, force);
			if (view !== null && isRotation(view.document))
				await forbid(await targetsOf(view));
		},
	};
}

/** Null where there is no such job: it may have been deleted, and what was made for it not yet. */
async function viewOf(
	jobs: Pick<JobControl, "show">,
	jobId: string,
): Promise<JobView | null> {
	try {
		return await jobs.show(jobId);
	} catch (error) {
		if (error instanceof JobError && error.code === "unknown_job") return null;
		throw error;
	}
}

/** Of a cloud that carries jobs out itself. */
export function rotationJobsOf(
	jobs: Pick<Jobs, "pending" | "documentOf">,
): RotationJobs {
	return {
		async sinceMs(thing) {
			// What is in progress comes first.
			for (const execution of await jobs.pending(thing)) {
				const document = await jobs.documentOf(execution.jobId);
				if (document !== null && isRotation(document))
					return execution.startedMs ?? execution.queuedMs;
			}
			return null;
		},
	};
}

/** @param document JSON */
export function isRotation(document: string): boolean {
	const value = JSON.parse(document) as { readonly operation?: unknown } | null;
	return value?.operation === "rotate";
}
