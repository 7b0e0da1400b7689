/** Devices' latest job executions in memory, for tests. */
import type { LatestExecution, LatestExecutionStore } from "../jobs/latest.ts";
import type { DeviceStore } from "../ports.ts";

export function memoryLatestExecutions(
	devices: Pick<DeviceStore, "get">,
): LatestExecutionStore {
	const all = new Map<string, readonly LatestExecution[]>();
	return {
		async get(device) {
			if ((await devices.get(device)) === null) return null;
			return all.get(device) ?? [];
		},
		async replace(device, known, executions) {
			if ((await devices.get(device)) === null) return false;
			const there = all.get(device) ?? [];
			if (JSON.stringify(there) !== JSON.stringify(known)) return false;
			all.set(device, executions);
			return true;
		},
	};
}
