import { isThingName } from "../../protocol/topics.ts";
import { DeviceExists, InvalidName, UnknownDevice } from "./errors.ts";
import type { LiveHub } from "./live-hub.ts";
import type { Clock, Device, Stores } from "./ports.ts";

/** The devices that have been provisioned, and which of them are connected. */
export class Devices {
	readonly #devices: Stores["devices"];
	readonly #hub: LiveHub;
	readonly #clock: Clock;
	readonly #online = new Set<string>();

	constructor(deps: {
		readonly stores: Pick<Stores, "devices">;
		readonly hub: LiveHub;
		readonly clock: Clock;
	}) {
		this.#devices = deps.stores.devices;
		this.#hub = deps.hub;
		this.#clock = deps.clock;
	}

	/** To be called once before connections are taken: whoever was connected when the cloud ended no longer is. */
	async start(): Promise<void> {
		const devices = await this.#devices.list();
		await Promise.all(
			devices
				.filter((device) => device.online)
				.map((device) => this.#devices.update(device.name, { online: false })),
		);
	}

	/** @throws InvalidName, DeviceExists, StoreError */
	async create(name: string): Promise<Device> {
		if (!isThingName(name)) throw new InvalidName(name);
		if (!(await this.#devices.create(name, this.#clock.nowMs()))) {
			throw new DeviceExists(name);
		}
		return this.get(name);
	}

	/** By name. @throws StoreError */
	list(): Promise<readonly Device[]> {
		return this.#devices.list();
	}

	/** @throws UnknownDevice, StoreError */
	async get(name: string): Promise<Device> {
		const device = await this.#devices.get(name);
		if (device === null) throw new UnknownDevice(name);
		return device;
	}

	/** Gives a device tags, in place of those that it had. @throws UnknownDevice, StoreError */
	async tag(
		name: string,
		tags: Readonly<Record<string, string>>,
	): Promise<void> {
		await this.get(name);
		await this.#devices.update(name, { tags });
	}

	/** It has been removed from the store. */
	forget(name: string): void {
		this.#online.delete(name);
	}

	/** @throws StoreError */
	connected(name: string): Promise<void> {
		return this.#note(name, true);
	}

	/** @throws StoreError */
	disconnected(name: string): Promise<void> {
		return this.#note(name, false);
	}

	async #note(name: string, online: boolean): Promise<void> {
		const lastSeenMs = this.#clock.nowMs();
		await this.#devices.update(name, { online, seenNowMs: lastSeenMs });
		if (this.#online.has(name) === online) return;
		if (online) this.#online.add(name);
		else this.#online.delete(name);
		this.#hub.publish({ type: "device", thing: name, online, lastSeenMs });
	}
}
