/**
 * Tags of devices on AWS: in the table of records, for whoever looks at a device, and as attributes of the thing, by which AWS
 * IoT finds it for jobs. https://docs.aws.amazon.com/iot/latest/apireference/API_UpdateThing.html
 */
import { type IoTClient, UpdateThingCommand } from "@aws-sdk/client-iot";
import type { Devices } from "../../../core/devices.ts";
import { UnknownDevice } from "../../../core/errors.ts";
import { StoreError } from "../../../core/ports.ts";

export class IotTagger {
	readonly #client: Pick<IoTClient, "send">;
	readonly #devices: Pick<Devices, "get" | "tag">;

	constructor(
		client: Pick<IoTClient, "send">,
		devices: Pick<Devices, "get" | "tag">,
	) {
		this.#client = client;
		this.#devices = devices;
	}

	/** @throws UnknownDevice, StoreError */
	async tag(
		name: string,
		tags: Readonly<Record<string, string>>,
	): Promise<void> {
		const before = (await this.#devices.get(name)).tags;
		// "To remove an attribute, call UpdateThing with an empty attribute value."
		const removed = Object.keys(before).filter(
			(tag) => !Object.hasOwn(tags, tag),
		);
		const attributes = {
			...Object.fromEntries(removed.map((tag) => [tag, ""])),
			...tags,
		};
		try {
			await this.#client.send(
				new UpdateThingCommand({
					thingName: name,
					attributePayload: { attributes, merge: true },
				}),
			);
		} catch (error) {
			const { name: code, message } = error as Error;
			if (code === "ResourceNotFoundException") throw new UnknownDevice(name);
			throw new StoreError(
				code === "ThrottlingException" ? "throttled" : "unavailable",
				`AWS IoT did not tag the thing: ${code}: ${message}`,
				{ cause: error },
			);
		}
		await this.#devices.tag(name, tags);
	}
}
