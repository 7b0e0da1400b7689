/** Jobs on fakes, in virtual time, for tests. */
import type { JobSettings } from "../jobs/job.ts";
import { Jobs, type PendingChange } from "../jobs/jobs.ts";
import type { FleetDevice } from "../jobs/query.ts";
import { type MemoryJobs, memoryJobs } from "./memory-jobs.ts";
import { settled, VirtualTime } from "./virtual-time.ts";

export interface JobCloud {
	readonly jobs: Jobs;
	readonly store: MemoryJobs;
	readonly time: VirtualTime;
	/** May be changed; `jobs.fleetChanged()` tells of it. */
	devices: FleetDevice[];
	readonly changes: PendingChange[];
	readonly errors: unknown[];
}

export function fleetOf(
	names: readonly string[],
	changes: Partial<FleetDevice> = {},
): FleetDevice[] {
	return names.map((name) => ({
		name,
		board: "esp32",
		firmware: "1.0.0",
		tags: {},
		...changes,
	}));
}

export function someSettings(changes: Partial<JobSettings> = {}): JobSettings {
	return {
		jobId: "job-1",
		document: '{"operation":"reboot","version":1}',
		comment: null,
		targets: { things: ["boiler"] },
		rollout: null,
		abort: [],
		timeoutMinutes: null,
		retries: [],
		...changes,
	};
}

/** @param kept what another one has left, of which it takes up the store and the time */
export async function jobCloud(
	devices: readonly FleetDevice[] = fleetOf(["boiler", "roof"]),
	kept: Partial<Pick<JobCloud, "store" | "time">> = {},
): Promise<JobCloud> {
	const { store = memoryJobs(), time = new VirtualTime() } = kept;
	const errors: unknown[] = [];
	const changes: PendingChange[] = [];
	const jobs = new Jobs({
		store,
		fleet: { list: async () => cloud.devices },
		clock: time,
		timers: time,
		onError: (error) => errors.push(error),
	});
	const cloud: JobCloud = {
		jobs,
		store,
		time,
		devices: [...devices],
		changes,
		errors,
	};
	jobs.onPending = (some) => changes.push(...some);
	await jobs.start();
	await settled();
	return cloud;
}
