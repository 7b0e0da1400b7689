/** Who answers what things ask on reserved topics, on one machine, and how these services reach the things. */
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import type { FirmwareObjects } from "../core/firmware-objects.ts";
import { JobsService } from "../core/jobs/device-service.ts";
import { fleetOf } from "../core/jobs/fleet.ts";
import { Jobs } from "../core/jobs/jobs.ts";
import { rotationJobsOf } from "../core/jobs/rotation-jobs.ts";
import type { Clock } from "../core/ports.ts";
import {
	type ProvisioningLogEntry,
	ProvisioningService,
} from "../core/provisioning/provisioning-service.ts";
import type { FirmwareUploads } from "../core/releases/ports.ts";
import { Releases } from "../core/releases/releases.ts";
import type {
	DeviceMessage,
	DeviceSender,
	ReservedService,
} from "../core/reserved-topics.ts";
import type { Timers } from "../core/rollups.ts";
import { ShadowService } from "../core/shadows/shadow-service.ts";
import { Shadows } from "../core/shadows/shadows.ts";
import { StreamService } from "../core/streams/stream-service.ts";
import { openNodeCertificates } from "./identity/open-node-certificates.ts";
import {
	FIRMWARE_FOLDER,
	fileFirmwareObjects,
	fileFirmwareUploads,
} from "./images/file-objects.ts";
import { fileUpdateKeys } from "./images/update-key.ts";
import type { OpenStores } from "./sqlite/stores.ts";

export interface DeviceServices {
	/** For the broker. */
	readonly reserved: readonly ReservedService[];
	/** For the services, which are there before the broker is: reaches nobody until the broker is attached. */
	readonly link: DeviceLink;
	readonly shadows: Shadows;
	readonly jobs: Jobs;
	readonly firmware: FirmwareObjects;
	readonly releases: Releases;
	readonly uploads: FirmwareUploads;
	/** @param address where nodes reach the HTTP server, without a slash at the end: for the addresses of images */
	servedAt(address: string): void;
}

/** Ends connections, the certificates of which have been revoked. */
export interface DeviceDropper {
	disconnect(thing: string): void;
}

/** The way to the things: over the broker, while there is one. */
export class DeviceLink implements DeviceSender {
	#sender: (DeviceSender & DeviceDropper) | null = null;

	attach(sender: DeviceSender & DeviceDropper): void {
		this.#sender = sender;
	}

	/** Whoever is connected as it is connected no more. */
	disconnect(thing: string): void {
		this.#sender?.disconnect(thing);
	}

	async send(messages: readonly DeviceMessage[]): Promise<void> {
		await this.#sender?.send(messages);
	}
}

export function openDeviceServices({
	stores,
	clock,
	timers,
	dir,
	secret,
	onError,
	onProvisioning,
}: {
	readonly stores: OpenStores;
	readonly clock: Clock;
	readonly timers: Timers;
	/** The data folder, and its secret. */
	readonly dir: string;
	readonly secret: Uint8Array;
	readonly onError: (error: unknown) => void;
	/** Told who has become a thing, and who was not let. */
	readonly onProvisioning?: (entry: ProvisioningLogEntry) => void;
}): DeviceServices {
	const link = new DeviceLink();
	const things = stores.devices;
	const shadows = new Shadows({ store: stores.shadows, clock, sender: link });
	const jobs = new Jobs({
		store: stores.jobs,
		fleet: fleetOf(stores.devices),
		clock,
		timers,
		onError,
	});
	let address = "";
	const uploads = fileFirmwareUploads({ dir: join(dir, FIRMWARE_FOLDER) });
	const firmware = fileFirmwareObjects({
		dir: join(dir, FIRMWARE_FOLDER),
		secret,
		baseUrl: () => address,
		clock,
	});
	return {
		link,
		shadows,
		jobs,
		firmware,
		releases: new Releases({
			objects: firmware,
			uploads,
			keys: fileUpdateKeys(dir),
			// A stream is there as soon as a job names it.
			streams: null,
			clock,
		}),
		uploads,
		servedAt(served) {
			address = served;
		},
		reserved: [
			new ShadowService({ shadows, things, clock }),
			new JobsService({
				jobs,
				things,
				firmware,
				sender: link,
				clock,
				onError,
			}),
			new StreamService({ jobs, firmware }),
			new ProvisioningService({
				certificates: openNodeCertificates(dir),
				pending: stores.pendingCertificates,
				claims: stores.claims,
				rotations: rotationJobsOf(jobs),
				devices: stores.devices,
				inForce: stores.certificates,
				clock,
				makeToken: () => randomBytes(32).toString("hex"),
				hash: (token) => createHash("sha256").update(token).digest("hex"),
				...(onProvisioning === undefined ? {} : { log: onProvisioning }),
			}),
		],
	};
}
