/**
 * Jobs of a cloud in which the job `rotate` itself lets those whom it is for exchange their certificates. Whoever comes to match its query later
 * is allowed by hand (`thinghz provision NAME --claim`), or by another job.
 */
import { allowRotation, type ClaimStore } from "../claims.ts";
import type { Clock } from "../ports.ts";
import type { JobSettings } from "./job.ts";
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

function isRotation(document: string): boolean {
	const { operation } = JSON.parse(document) as { operation?: unknown };
	return operation === "rotate";
}
