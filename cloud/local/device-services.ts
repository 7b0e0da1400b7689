/** Who answers what things ask on reserved topics, on one machine, and how these services reach the things. */
import type {
	DeviceMessage,
	DeviceSender,
	ReservedService,
} from "../core/reserved-topics.ts";

export interface DeviceServices {
	/** For the broker. */
	readonly reserved: readonly ReservedService[];
	/** For the services, which are there before the broker is: reaches nobody until the broker is attached. */
	readonly link: DeviceLink;
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

export function openDeviceServices(): DeviceServices {
	const link = new DeviceLink();
	return { reserved: [], link };
}
