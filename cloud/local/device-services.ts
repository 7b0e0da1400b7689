/** Who answers what things ask on reserved topics, on one machine, and how these services reach the things. */
import type { Clock } from "../core/ports.ts";
import type {
	DeviceMessage,
	DeviceSender,
	ReservedService,
} from "../core/reserved-topics.ts";
import { ShadowService } from "../core/shadows/shadow-service.ts";
import { Shadows } from "../core/shadows/shadows.ts";
import type { OpenStores } from "./sqlite/stores.ts";

export interface DeviceServices {
	/** For the broker. */
	readonly reserved: readonly ReservedService[];
	/** For the services, which are there before the broker is: reaches nobody until the broker is attached. */
	readonly link: DeviceLink;
	readonly shadows: Shadows;
}

/** The way to the things: over the broker, while there is one. */
export class DeviceLink implements DeviceSender {
	#sender: DeviceSender | null = null;

	attach(sender: DeviceSender): void {
		this.#sender = sender;
	}

	async send(messages: readonly DeviceMessage[]): Promise<void> {
		await this.#sender?.send(messages);
	}
}

export function openDeviceServices({
	stores,
	clock,
}: {
	readonly stores: OpenStores;
	readonly clock: Clock;
}): DeviceServices {
	const link = new DeviceLink();
	const things = stores.devices;
	const shadows = new Shadows({ store: stores.shadows, clock, sender: link });
	return {
		link,
		shadows,
		reserved: [new ShadowService({ shadows, things, clock })],
	};
}
