/** Presence beside devices in memory, for tests. */
import type { DeviceStore } from "../ports.ts";
import type { Presence, PresenceStore } from "../presence.ts";

export function memoryPresence(devices: DeviceStore): PresenceStore {
	const all = new Map<string, Presence>();
	return {
		async get(device) {
			if ((await devices.get(device)) === null) return null;
			return { presence: all.get(device) ?? null };
		},
		async replace(device, known, presence) {
			if ((await devices.get(device)) === null) return false;
			const { online, session, atMs } = all.get(device) ?? {};
			if (
				online !== known?.online ||
				session !== known?.session ||
				atMs !== known?.atMs
			) {
				return false;
			}
			all.set(device, presence);
			try {
				await devices.update(device, {
					online: presence.online,
					lastSeenMs: presence.atMs,
				});
			} catch (error) {
				if (known === null) all.delete(device);
				else all.set(device, known);
				throw error;
			}
			return true;
		},
	};
}
