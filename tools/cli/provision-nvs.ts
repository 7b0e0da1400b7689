/** `thinghz provision --nvs`: what a board finds in NVS at its first start, as an image to be flashed. */
import { accessSync, constants } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { SECRET_MODE } from "../../cloud/local/identity/files.ts";
import {
	makeNvs,
	readIdentityFolder,
	requireSensors,
	requireWifi,
	type Wifi,
} from "../esp32/identity-nvs.ts";
import { UsageError } from "./errors.ts";
import { readText, writeBytes } from "./files.ts";
import { readSecretOf } from "./secret-source.ts";

export interface NvsFlags {
	readonly nvs?: string;
	readonly wifiSsid?: string;
	readonly wifiPasswordFile?: string;
	readonly wifiOpen?: boolean;
	readonly sensors?: string;
}

const PASSWORD_VARIABLE = "THINGHZ_WIFI_PASSWORD";

export function nvsOptions(command: Command): Command {
	return command
		.option(
			"--nvs <file>",
			"write an NVS image for an ESP32 as well: identity, key, endpoint, Wi-Fi",
		)
		.option("--wifi-ssid <name>", "with --nvs: the network to join")
		.option(
			"--wifi-password-file <file>",
			`with --wifi-ssid: holds its password; else ${PASSWORD_VARIABLE}, else it is asked for`,
		)
		.option("--wifi-open", "with --wifi-ssid: it has no password")
		.option(
			"--sensors <file>",
			"with --nvs: which sensors the board has, as JSON (docs/esp32.md)",
		);
}

/** What the flags ask to be written, and where. */
export interface NvsOrder {
	readonly path: string;
	readonly wifi: Wifi | undefined;
	readonly sensors: string | undefined;
}

/**
 * Judges the flags, before anything is made.
 * @returns null where no image is asked for
 * @throws UsageError
 */
export async function nvsOrderOf(flags: NvsFlags): Promise<NvsOrder | null> {
	const { nvs, wifiSsid, wifiPasswordFile, wifiOpen } = flags;
	if (nvs === undefined) {
		if ([wifiSsid, wifiPasswordFile, wifiOpen, flags.sensors].some(Boolean))
			throw new UsageError(
				"--wifi-ssid, --wifi-password-file, --wifi-open and --sensors go with --nvs FILE: they are written into an image.",
			);
		return null;
	}
	const path = resolve(nvs);
	judge("--nvs", () => accessSync(dirname(path), constants.W_OK));
	const wifi = await wifiOf(flags);
	if (wifi !== undefined) judge("--wifi-ssid", () => requireWifi(wifi));
	const sensors = flags.sensors;
	const text = sensors === undefined ? undefined : readText(sensors).trim();
	if (text !== undefined)
		judge(`--sensors: ${sensors}`, () => requireSensors(text));
	return { path, wifi, sensors: text };
}

/** A claim certificate goes onto the board: the thing that it is to become by itself; null where it names itself by its chip's number. */
export interface ClaimOf {
	readonly thing: string | null;
}

/**
 * @param directory as `provision` writes it; with a claim, as `claims issue` does
 * @returns the file, which only its owner may read
 * @throws UsageError; BoardError
 */
export async function writeNvsOf(
	directory: string,
	{ path, wifi, sensors }: NvsOrder,
	claim?: ClaimOf,
): Promise<string> {
	const identity = readIdentityFolder(directory);
	const isClaim = identity.config.clientIdPrefix !== undefined;
	if (isClaim !== (claim !== undefined))
		throw new UsageError(
			isClaim
				? `${directory} holds a claim certificate: say --claim.`
				: `${directory} holds no claim certificate: \`thinghz claims issue DIR\` makes one.`,
		);
	const { thing, ...rest } = identity.config;
	const name = claim === undefined ? thing : claim.thing;
	const config = name == null ? rest : { ...rest, thing: name };
	const image = makeNvs({ ...identity, config }, { wifi, sensors });
	await writeBytes(path, image, SECRET_MODE);
	return path;
}

async function wifiOf(flags: NvsFlags): Promise<Wifi | undefined> {
	const { wifiSsid: ssid, wifiPasswordFile, wifiOpen } = flags;
	if (ssid === undefined) {
		if (wifiPasswordFile !== undefined || wifiOpen)
			throw new UsageError(
				"--wifi-password-file and --wifi-open go with --wifi-ssid.",
			);
		return undefined;
	}
	if (wifiOpen) {
		if (wifiPasswordFile !== undefined)
			throw new UsageError("--wifi-open: an open network has no password.");
		return { ssid, password: null };
	}
	const password = await readSecretOf({
		what: `Password of ${ssid}`,
		option: "--wifi-password-file",
		file: wifiPasswordFile,
		variable: PASSWORD_VARIABLE,
	});
	return { ssid, password };
}

/** @throws UsageError for whatever `test` throws */
function judge(what: string, test: () => void): void {
	try {
		test();
	} catch (cause) {
		throw new UsageError(`${what}: ${(cause as Error).message}`, { cause });
	}
}
