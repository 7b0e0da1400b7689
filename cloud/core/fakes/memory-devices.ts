/** Devices in memory, and which of them are connected, for tests. */
import { isOvertaken } from "../boot-order.ts";
import type { Device, DeviceStore } from "../ports.ts";
import type { Presence, PresenceStore } from "../presence.ts";

/** @param check throws while the stores are to fail. @param updates counts the updates of each device */
export function memoryDevices(
	check: () => void,
	updates: Map<string, number>,
): { readonly devices: DeviceStore; readonly presence: PresenceStore } {
	const all = new Map<string, Device>();
	const told = new Map<string, Presence>();

	const devices: DeviceStore = {
		async create(name, createdMs) {
			check();
			if (all.has(name)) return false;
			const presence = told.get(name);
			all.set(name, {
				name,
				createdMs,
				online: presence?.online ?? false,
				lastSeenMs: presence?.atMs ?? null,
				boot: null,
				channels: [],
				configRefused: null,
				tags: {},
			});
			return true;
		},
		async get(name) {
			return all.get(name) ?? null;
		},
		async list() {
			return [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
		},
		async update(name, update) {
			check();
			updates.set(name, (updates.get(name) ?? 0) + 1);
			const device = all.get(name);
			if (device === undefined || isOvertaken(update, device.boot)) return;
			const { lastSeenMs, seenNowMs, unlessBootedAfterMs, ...rest } = update;
			const channels = new Map(
				[...device.channels, ...(update.channels ?? [])].map((channel) => [
					channel.id,
					channel,
				]),
			);
			all.set(name, {
				...device,
				...rest,
				lastSeenMs: seenNowMs ?? latest(device.lastSeenMs, lastSeenMs ?? null),
				channels: [...channels.values()],
			});
		},
		async remove(name) {
			check();
			all.delete(name);
			told.delete(name);
		},
	};

	const presence: PresenceStore = {
		async get(name) {
			return told.get(name) ?? null;
		},
		async replace(name, known, next) {
			check();
			const { online, session, atMs } = told.get(name) ?? {};
			if (
				online !== known?.online ||
				session !== known?.session ||
				atMs !== known?.atMs
			) {
				return false;
			}
			told.set(name, next);
			const device = all.get(name);
			if (device !== undefined) {
				all.set(name, {
					...device,
					online: next.online,
					lastSeenMs: latest(device.lastSeenMs, next.atMs),
				});
			}
			return true;
		},
	};

	return { devices, presence };
}

function latest(a: number | null, b: number | null): number | null {
	return a === null || b === null ? (a ?? b) : Math.max(a, b);
}
