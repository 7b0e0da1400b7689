/** The devices that jobs are for, as a store knows them. */
import type { DeviceStore } from "../ports.ts";
import type { Fleet } from "./ports.ts";

export function fleetOf(devices: Pick<DeviceStore, "list">): Fleet {
	return {
		async list() {
			return (await devices.list()).map(({ name, boot, tags }) => ({
				name,
				board: boot?.board ?? null,
				firmware: boot?.firmware ?? null,
				tags,
			}));
		},
	};
}
