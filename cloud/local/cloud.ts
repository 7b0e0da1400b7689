/** The cloud on one machine: the core on the stores of a data folder, with the API on top. */
import { mkdirSync } from "node:fs";
import { createApi } from "../api/app.ts";
import { Devices } from "../core/devices.ts";
import { Ingest } from "../core/ingest.ts";
import { LiveHub } from "../core/live-hub.ts";
import type { Clock, Stores } from "../core/ports.ts";
import { Queries } from "../core/queries.ts";
import { Rollups } from "../core/rollups.ts";
import { LocalAuth, loadSecret } from "./auth.ts";
import { openStores } from "./sqlite/stores.ts";

export interface LocalCloud {
	readonly stores: Stores;
	readonly ingest: Ingest;
	readonly devices: Devices;
	readonly hub: LiveHub;
	readonly rollups: Rollups;
	readonly auth: LocalAuth;
	readonly app: ReturnType<typeof createApi>;
	/** What runs in the background: only where blocks come in, once for a folder. */
	start(): Promise<void>;
	close(): Promise<void>;
}

const systemClock: Clock = { nowMs: () => Date.now() };

/**
 * Opens the cloud on a data folder, which is made (mode 0700) where it is missing.
 * @throws StoreError "newer_version" when a newer version of this software wrote the folder
 */
export async function openLocalCloud(options: {
	readonly dir: string;
	readonly version: string;
	/** Told of what fails in the background, where nobody waits for an answer. */
	readonly onError: (error: unknown) => void;
}): Promise<LocalCloud> {
	mkdirSync(options.dir, { recursive: true, mode: 0o700 });
	const clock = systemClock;
	const stores = await openStores(options.dir);
	const hub = new LiveHub();
	const devices = new Devices({ stores, hub, clock });
	const rollups = new Rollups({
		stores,
		clock,
		timers: { after },
		onError: options.onError,
	});
	const queries = new Queries({ stores, rollups });
	const ingest = new Ingest({ stores, hub, clock });
	const auth = new LocalAuth({ secret: loadSecret(options.dir), clock });
	const app = createApi({
		devices,
		queries,
		hub,
		deadLetters: stores.deadLetters,
		auth,
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
		auth,
		app,
		async start() {
			await devices.start();
			rollups.start();
		},
		async close() {
			await rollups.stop();
			await stores.close();
		},
	};
}

function after(delayMs: number, run: () => void): () => void {
	const timer = setTimeout(run, delayMs);
	return () => clearTimeout(timer);
}
