/** The node on an ESP32. */
import config from "mc/config";
import { run } from "../../main.ts";
import type {
	Identity,
	LogLevel,
	NodeReport,
	SensorPort,
	Settings,
} from "../../node/ports.ts";
import { stationOf, WIFI_KEY } from "../../node/wifi-change.ts";
import { FIRMWARE_DATE, FIRMWARE_VERSION } from "./firmware-version.ts";
import { natives, openHardware } from "./hardware.ts";
import { readCredentials, readIdentity, readStation } from "./identity.ts";
import { IdentityError } from "./identity-of-thing.ts";
import { CredentialSwitch } from "./key-switch.ts";
import { ModdableNetwork } from "./network.ts";
import { SensorConfigError } from "./sensors/config.ts";
import { configuredSensors } from "./sensors/open.ts";
import { NvsSettings } from "./settings.ts";
import { restoreTime, SntpTime } from "./time.ts";
import { earliestTimeMs, knownTimeMs } from "./time-known.ts";
import { ModdableTimers } from "./timers.ts";
import { secureOptions } from "./tls-judge.ts";
import { boardUpdate } from "./update.ts";
import { updateKeyOf } from "./update-key.ts";
import { openWifi } from "./wifi/open.ts";

/** Settings key: which sensors the board has, as sensors/config.ts reads it. */
const SENSORS_KEY = "sensors";

function log(level: LogLevel, message: string): void {
	trace(`${level}: ${message}\n`);
}

/** A board that is nobody stays up and says so: another start would find the same. */
function identityOrNone(
	serial: () => string,
): { identity: Identity; keys: CredentialSwitch } | undefined {
	try {
		return {
			identity: readIdentity(serial),
			keys: new CredentialSwitch(readCredentials),
		};
	} catch (error) {
		if (!(error instanceof IdentityError)) throw error;
		log("error", error.message);
		return undefined;
	}
}

/** A configuration that is refused is as good as none: the node reports that it has no sensors. */
function sensorsOf(settings: Settings): readonly SensorPort[] {
	try {
		return configuredSensors(settings.get(SENSORS_KEY));
	} catch (error) {
		if (!(error instanceof SensorConfigError)) throw error;
		log("error", error.message);
		return [];
	}
}

function main(): void {
	const { platform, ...hardware } = openHardware();
	const settings = new NvsSettings(natives);
	const timers = new ModdableTimers(() => platform.uptimeMs());
	const somebody = identityOrNone(() => platform.serial());
	if (somebody === undefined) return;
	const { identity, keys } = somebody;
	const earliestMs = earliestTimeMs(FIRMWARE_DATE, keys.current.issuedMs);
	restoreTime(settings, earliestMs);
	const link = openWifi({
		natives,
		// A network that a job has set goes before the provisioned one.
		station: () => stationOf(settings.get(WIFI_KEY)) ?? readStation(),
		timers,
		log,
	});
	const board = String(config.board);
	const key = updateKeyOf(config.thinghz, log);
	run({
		...hardware,
		...(key === undefined
			? {}
			: {
					update: boardUpdate({ natives, slots: hardware.slots, board, key }),
				}),
		system: {
			board,
			firmware: FIRMWARE_VERSION,
			resetReason: platform.resetReason,
			random: (into) => platform.random(into),
			heap: () => platform.heap(),
			log,
			report: (report: NodeReport) => log("info", JSON.stringify(report)),
			restart: () => platform.restart(),
		},
		timers,
		time: new SntpTime({
			server: String(config.sntp),
			whenUp: (callback) => link.whenUp(callback),
			earliestMs,
			log: (message) => log("warn", message),
		}),
		settings,
		network: new ModdableNetwork(link, {
			secure: (host) =>
				secureOptions(host, keys.current, () => knownTimeMs(earliestMs)),
			log: (message) => log("warn", message),
		}),
		sensors: sensorsOf(settings),
		identity,
		wifi: link,
		keys,
	});
}

// biome-ignore lint/style/noDefaultExport: the SDK calls it when everything is loaded.
export default main;
