/** A store of grants in memory, for tests: it passes the same contract as real ones. */
import type { GrantStore } from "../people.ts";

export function memoryGrants(): GrantStore {
	const grants = new Map<string, Set<string>>();
	return {
		async devicesOf(subject) {
			return [...(grants.get(subject) ?? [])].sort();
		},
		async subjectsOf(device) {
			return [...grants]
				.filter(([, devices]) => devices.has(device))
				.map(([subject]) => subject)
				.sort();
		},
		async has(subject, device) {
			return grants.get(subject)?.has(device) ?? false;
		},
		async grant(subject, device) {
			const devices = grants.get(subject) ?? new Set();
			grants.set(subject, devices.add(device));
		},
		async revoke(subject, device) {
			grants.get(subject)?.delete(device);
		},
	};
}
