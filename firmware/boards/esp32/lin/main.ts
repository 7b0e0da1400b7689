/** The node as a program on Linux: the SDK's own modules for network and TLS, files for flash, and a sensor that is replayed. */
import TMP117 from "embedded:sensor/Temperature/TMP117";
import RNG from "rng";
import Timer from "timer";
import { run } from "../../../main.ts";
import type { LogLevel, NodeReport, SensorPort } from "../../../node/ports.ts";
import { FIRMWARE_DATE, FIRMWARE_VERSION } from "../firmware-version.ts";
import { IdentityError } from "../identity-of-thing.ts";
import { CredentialSwitch } from "../key-switch.ts";
import { ModdableNetwork } from "../network.ts";
import { type DriverClass, I2cSensor } from "../sensors/i2c-sensor.ts";
import { type DriverSample, I2C_MODELS } from "../sensors/models.ts";
import { earliestTimeMs, knownTimeMs } from "../time-known.ts";
import { ModdableTimers } from "../timers.ts";
import { secureOptions } from "../tls-judge.ts";
import { FileFlash } from "./file-flash.ts";
import { FileSettings } from "./file-settings.ts";
import {
	type FolderIdentity,
	readCredentialsFolder,
	readIdentityFolder,
} from "./identity.ts";
import { ReplayedBus } from "./replayed-bus.ts";
import { uptimeMs } from "./uptime.ts";

const JOURNAL_BYTES = 1_048_576;
const CHECKPOINT_BYTES = 65_536;

function log(level: LogLevel, message: string): void {
	trace(`${level}: ${message}\n`);
}

function restart(): never {
	throw new Error("A restart was asked for: start the program again.");
}

/** As on an ESP32: who is nobody stays up and says so. */
function identityOrNone():
	| { identity: FolderIdentity; keys: CredentialSwitch }
	| undefined {
	try {
		return {
			identity: readIdentityFolder(),
			keys: new CredentialSwitch(readCredentialsFolder),
		};
	} catch (error) {
		if (!(error instanceof IdentityError)) throw error;
		log("error", error.message);
		return undefined;
	}
}

const thermometer: SensorPort = {
	name: "tmp117",
	channels: [
		{
			id: "temperature",
			unit: "°C",
			exponent: -2,
			kind: "gauge",
			read: (sample) =>
				I2C_MODELS.tmp117.measures[0].read(sample as DriverSample),
		},
	],
	open: () =>
		new I2cSensor({
			driver: TMP117 as unknown as DriverClass,
			io: ReplayedBus,
			bus: { data: 0, clock: 0, address: 0x48, hz: 100_000 },
			settleMs: 0,
			delay: Timer.delay,
		}),
};

function main(): void {
	// XS calls it before it gives up.
	const abort = (cause: string, thrown?: unknown): void => {
		const stack = thrown instanceof Error ? thrown.stack : thrown;
		log("error", `The machine aborts: ${cause}: ${stack}`);
	};
	globalThis.abort = abort;
	const somebody = identityOrNone();
	if (somebody === undefined) return;
	const { identity, keys } = somebody;
	const earliestMs = earliestTimeMs(FIRMWARE_DATE, keys.current.issuedMs);
	const network = new ModdableNetwork(
		{
			rssi: () => undefined,
			whenUp(callback) {
				const timer = Timer.set(() => callback(undefined));
				return () => Timer.clear(timer);
			},
		},
		{
			secure: (host) =>
				secureOptions(host, keys.current, () => knownTimeMs(earliestMs)),
			log: (message) => log("warn", message),
			...(identity.address === undefined ? {} : { address: identity.address }),
		},
	);
	run({
		system: {
			board: "lin",
			firmware: FIRMWARE_VERSION,
			resetReason: "power_on",
			random: (into) => into.set(new Uint8Array(RNG.get(into.length))),
			// A process of Linux has no limit that the node could come near, and the SDK does not tell what it uses.
			heap: () => ({ usedBytes: 0, peakBytes: 0, limitBytes: 0 }),
			log,
			report: (report: NodeReport) => trace(`${JSON.stringify(report)}\n`),
			restart,
		},
		timers: new ModdableTimers(uptimeMs),
		// The machine keeps its clock itself.
		time: { request: (callback) => Timer.set(() => callback(Date.now())) },
		settings: new FileSettings("settings.json"),
		network,
		sensors: [thermometer],
		identity,
		keys,
		journal: new FileFlash("journal.bin", JOURNAL_BYTES),
		checkpoints: new FileFlash("checkpoints.bin", CHECKPOINT_BYTES),
	});
}

// biome-ignore lint/style/noDefaultExport: the SDK calls it when everything is loaded.
export default main;
