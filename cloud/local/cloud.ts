/** The cloud on one machine: the core on the stores of a data folder, with the API on top. */
import { createApi } from "../api/app.ts";
import { Access } from "../core/access.ts";
import { Alerts } from "../core/alerts/alerts.ts";
import { AlertSchedule } from "../core/alerts/schedule.ts";
import { certificateRemover, DeviceRemoval } from "../core/device-removal.ts";
import { Devices } from "../core/devices.ts";
import { Ingest } from "../core/ingest.ts";
import { LiveHub } from "../core/live-hub.ts";
import type { Clock } from "../core/ports.ts";
import type { ProvisioningLogEntry } from "../core/provisioning/provisioning-service.ts";
import { Queries } from "../core/queries.ts";
import { Redrive } from "../core/redrive.ts";
import { Rollups } from "../core/rollups.ts";
import { LocalAuth, loadSecret } from "./auth.ts";
import { type DeviceServices, openDeviceServices } from "./device-services.ts";
import { loadNotifyConfig } from "./notify/config.ts";
import { type LocalNotifiers, openNotifiers } from "./notify/notifiers.ts";
import { type OpenStores, openStores } from "./sqlite/stores.ts";

export interface LocalCloud {
	readonly stores: OpenStores;
	readonly ingest: Ingest;
	readonly devices: Devices;
	readonly hub: LiveHub;
	readonly rollups: Rollups;
	readonly alerts: Alerts;
	readonly notifiers: LocalNotifiers;
	readonly auth: LocalAuth;
	readonly deviceServices: DeviceServices;
	readonly app: ReturnType<typeof createApi>;
	/** What runs in the background: only where blocks come in, once for a folder. */
	start(): Promise<void>;
	close(): Promise<void>;
}

const systemClock: Clock = { nowMs: () => Date.now() };

/**
 * Opens the cloud on a data folder, which is made (mode 0700) where it is missing and closed to others where it is not.
 * @throws StoreError "newer_version" when a newer version of this software wrote the folder; SecretError;
 * NotifyConfigError and NotifySecretError for what people are notified by
 */
export async function openLocalCloud(options: {
	readonly dir: string;
	readonly version: string;
	/** Told of what fails in the background, where nobody waits for an answer. */
	readonly onError: (error: unknown) => void;
	/** Told which devices have become things by themselves, and which were not let. */
	readonly onProvisioning?: (entry: ProvisioningLogEntry) => void;
}): Promise<LocalCloud> {
	const clock = systemClock;
	const stores = await openStores(options.dir);
	const secret = await orClose(stores, () => loadSecret(options.dir));
	const notifiers = await orClose(stores, () =>
		openNotifiers({
			...options,
			config: loadNotifyConfig(options.dir, process.env),
			store: stores.alerts,
			clock,
		}),
	);
	const auth = new LocalAuth({ secret, clock, people: stores.people });
	const hub = new LiveHub();
	const devices = new Devices({ stores, hub, clock });
	const rollups = new Rollups({
		stores,
		clock,
		timers: { after },
		onError: options.onError,
	});
	const queries = new Queries({ stores, rollups });
	const alerts = new Alerts({
		stores,
		hub,
		clock,
		notifier: notifiers.notifier,
		onError: options.onError,
		linkTo: notifiers.linkTo,
	});
	const schedule = new AlertSchedule({
		alerts,
		clock,
		timers: { after },
		onError: options.onError,
	});
	const ingest = new Ingest(
		{ stores, hub, clock },
		{ onBlock: alerts.onBlock },
	);
	const deviceServices = openDeviceServices({
		...options,
		stores,
		clock,
		timers: { after },
		secret,
	});
	const removal = new DeviceRemoval({
		devices: stores.devices,
		things: certificateRemover(stores.certificates),
		shadows: stores.shadows,
		logs: stores.logs,
		claims: stores.claims,
		rules: alerts.rules,
		grants: stores.grants,
		disconnect: (thing) => deviceServices.link.disconnect(thing),
		gone(thing) {
			ingest.forget(thing);
			devices.forget(thing);
			deviceServices.jobs.fleetChanged();
		},
	});
	const app = createApi({
		devices,
		removal,
		shadows: deviceServices.shadows,
		jobs: deviceServices.jobs,
		deviceJobs: deviceServices.jobs,
		releases: deviceServices.releases,
		uploads: deviceServices.uploads,
		tagger: {
			async tag(name, tags) {
				await devices.tag(name, tags);
				deviceServices.jobs.fleetChanged();
			},
		},
		queries,
		hub,
		claims: stores.claims,
		logs: stores.logs,
		deadLetters: stores.deadLetters,
		redrive: new Redrive({ deadLetters: stores.deadLetters, ingest }),
		alerts,
		push: notifiers.push,
		auth,
		access: new Access(stores.grants),
		clock,
		version: options.version,
		onError: options.onError,
	});
	return {
		stores,
		ingest,
		devices,
		hub,
		rollups,
		alerts,
		notifiers,
		auth,
		deviceServices,
		app,
		async start() {
			await devices.start();
			rollups.start();
			schedule.start();
			await deviceServices.jobs.start();
		},
		async close() {
			try {
				await deviceServices.jobs.stop();
				await schedule.stop();
				await rollups.stop();
			} finally {
				await stores.close();
			}
		},
	};
}

/** The stores run threads: where opening goes no further, these would keep the process for ever. */
async function orClose<T>(stores: OpenStores, open: () => T): Promise<T> {
	try {
		return open();
	} catch (error) {
		await stores.close();
		throw error;
	}
}

function after(delayMs: number, run: () => void): () => void {
	const timer = setTimeout(run, delayMs);
	return () => clearTimeout(timer);
}
