/**
 * Jobs of a cloud in which the job `rotate` itself lets those whom it is for exchange their certificates: those whom it names or finds as it is
 * made at once, so that nothing more has to be asked when thousands do it; whoever comes to match its query later when it asks.
 */
import {
	allowRotation,
	type ClaimStore,
	type RotationJobs,
} from "../claims.ts";
import type { Clock } from "../ports.ts";
import type { JobSettings } from "./job.ts";
import type { Jobs } from "./jobs.ts";
import type { Fleet, JobControl } from "./ports.ts";
import { matches, parseQuery } from "./query.ts";

/** Writes under way at a time. */
const AT_ONCE = 10;

export function jobsThatAllowRotation(
	jobs: JobControl,
	deps: {
		readonly claims: Pick<ClaimStore, "allow">;
		readonly fleet: Fleet;
		readonly clock: Clock;
	},
): JobControl {
	const { claims, fleet, clock } = deps;
	async function allow(settings: JobSettings): Promise<void> {
		const { targets } = settings;
		const devices = await fleet.list();
		const known = new Set(devices.map(({ name }) => name));
		const terms = "where" in targets ? parseQuery(targets.where) : null;
		const names =
			"things" in targets
				? targets.things.filter((name) => known.has(name))
				: devices
						.filter((device) => matches(terms ?? [], device))
						.map(({ name }) => name);
		const nowMs = clock.nowMs();
		for (let at = 0; at < names.length; at += AT_ONCE) {
			await Promise.all(
				names
					.slice(at, at + AT_ONCE)
					.map((name) => allowRotation(claims, name, nowMs)),
			);
		}
	}
	return {
		async create(settings) {
			// Before there is the job: a device is at it within a second.
			if (isRotation(settings.document)) await allow(settings);
			return jobs.create(settings);
		},
		list: (limit, cursor) => jobs.list(limit, cursor),
		show: (jobId) => jobs.show(jobId),
		executions: (jobId, options) => jobs.executions(jobId, options),
		execution: (jobId, thing) => jobs.execution(jobId, thing),
		cancel: (jobId, force) => jobs.cancel(jobId, force),
		delete: (jobId, force) => jobs.delete(jobId, force),
	};
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
