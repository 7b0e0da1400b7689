/** What `thinghz up` runs: the cloud's stores, broker and API on a data folder, opened in order and closed in turn. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProvisioningLogEntry } from "../../cloud/core/provisioning/provisioning-service.ts";
import type { InfluxTarget } from "../../cloud/influxdb/influx-target.ts";
import { loadSecret } from "../../cloud/local/auth.ts";
import {
	type BrokerLogEntry,
	startBroker,
} from "../../cloud/local/broker/broker.ts";
import { openLocalCloud } from "../../cloud/local/cloud.ts";
import { exportToInflux } from "../../cloud/local/export-to-influx.ts";
import { startHttp } from "../../cloud/local/http.ts";
import { openAuthority } from "../../cloud/local/identity/authority.ts";
import { serverIdentity } from "../../cloud/local/identity/server-certificate.ts";
import { firmwareDownloads } from "../../cloud/local/images/downloads.ts";
import { FIRMWARE_FOLDER } from "../../cloud/local/images/file-objects.ts";
import packageJson from "../../package.json" with { type: "json" };
import { CommandError } from "./errors.ts";
import { hostAndPort, type Reach } from "./host.ts";
import { printMessage, reportError, showControls } from "./output.ts";
import type { RunningCloud } from "./runtime-file.ts";

const WEB_DIR = fileURLToPath(new URL("./web", import.meta.url));

export interface Serving {
	readonly running: RunningCloud;
	readonly signInToken: string;
	/** Resolves, with why, when the stores are gone for good; never otherwise. */
	readonly lost: Promise<Error>;
	/**
	 * Ends listening, lets what was accepted be committed and acknowledged, and closes the stores. Each is closed
	 * whatever the others do.
	 * @throws CommandError that names what could not be closed
	 */
	close(): Promise<void>;
}

export interface ServeOptions {
	readonly dir: string;
	readonly reach: Reach;
	readonly mqttPort: number;
	readonly httpPort: number;
	/** Where rows are written to beside the blocks; null for nowhere. */
	readonly influx: InfluxTarget | null;
}

/** @throws BrokerError, HttpListenError, IdentityError, StoreError; what was opened before it is closed again */
export async function serve(options: ServeOptions): Promise<Serving> {
	const { dir, reach } = options;
	const closing = new Closing();
	try {
		const cloud = await openLocalCloud({
			dir,
			version: packageJson.version,
			onError: reportError,
			onProvisioning: logProvisioning,
		});
		closing.add(() => cloud.close());
		await cloud.start();
		if (options.influx !== null) {
			const rows = exportToInflux(cloud, options.influx, printMessage);
			closing.add(() => rows.stop());
		}
		const authority = await openAuthority(dir);
		const broker = await startBroker({
			ingest: cloud.ingest,
			devices: cloud.devices,
			certificates: cloud.stores.certificates,
			services: cloud.deviceServices.reserved,
			tls: await serverIdentity(authority, dir, [reach.bind, ...reach.names]),
			host: reach.bind,
			port: options.mqttPort,
			log: logBroker,
		});
		closing.add(() => broker.close());
		cloud.deviceServices.link.attach(broker);
		const http = await startHttp({
			app: cloud.app,
			firmware: firmwareDownloads({
				dir: join(dir, FIRMWARE_FOLDER),
				secret: loadSecret(dir),
				clock: { nowMs: () => Date.now() },
			}),
			webDir: WEB_DIR,
			host: reach.bind,
			port: options.httpPort,
		});
		closing.add(() => http.close());
		const page = `http://${hostAndPort(reach.local, http.port)}`;
		cloud.notifiers.servedAt(page);
		cloud.deviceServices.servedAt(
			`http://${hostAndPort(reach.device, http.port)}`,
		);
		return {
			running: {
				pid: process.pid,
				http: page,
				mqtt: `mqtts://${hostAndPort(reach.local, broker.port)}`,
				endpoint: `mqtts://${hostAndPort(reach.device, broker.port)}`,
			},
			signInToken: cloud.auth.issueSignIn(),
			lost: cloud.stores.lost,
			close: () => closing.closeAll(),
		};
	} catch (error) {
		// Why it did not start matters more than what then did not close.
		await closing.closeAll().catch(reportError);
		throw error;
	}
}

/** What was opened, closed last in, first out. */
export class Closing {
	readonly #closers: (() => Promise<void>)[] = [];

	add(close: () => Promise<void>): void {
		this.#closers.push(close);
	}

	/** @throws CommandError that names every failure, after all have been tried */
	async closeAll(): Promise<void> {
		const errors: unknown[] = [];
		for (const close of this.#closers.splice(0).reverse()) {
			try {
				await close();
			} catch (error) {
				errors.push(error);
			}
		}
		if (errors.length === 0) return;
		throw new CommandError(
			`Not everything could be closed: ${errors.map((error) => (error instanceof Error ? error.message : String(error))).join(" ")}`,
			{ cause: new AggregateError(errors) },
		);
	}
}

/** Says who was turned away and why; comings and goings are the API's to tell. */
function logBroker(entry: BrokerLogEntry): void {
	if (entry.event === "connected" || entry.event === "disconnected") return;
	const who = entry.thing ?? (entry.remoteAddress || "the broker");
	const cause = entry.cause instanceof Error ? ` (${entry.cause.message})` : "";
	printMessage(
		showControls(
			`${who}: ${entry.event}: ${entry.reason ?? "unknown"}${cause}`,
		),
	);
}

/** What a device asks to be is anything: short, and without what a terminal could obey. */
function logProvisioning(entry: ProvisioningLogEntry): void {
	const name = String(JSON.stringify(entry.name)).slice(0, 140);
	const by = `${entry.clientId}, by the certificate ${entry.certificateId}`;
	printMessage(
		showControls(
			entry.event === "provisioned"
				? `${name}: provisioned for ${by}`
				: `${name}: provisioning refused: ${entry.reason ?? "unknown"} (${by})`,
		),
	);
}
