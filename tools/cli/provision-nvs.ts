/** `thinghz provision --nvs`: what a board finds in NVS at its first start, as an image to be flashed. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { SECRET_MODE } from "../../cloud/local/identity/files.ts";
import {
	makeNvs,
	readIdentityFolder,
	type Wifi,
} from "../esp32/identity-nvs.ts";
import { UsageError } from "./errors.ts";
import { writeBytes } from "./files.ts";
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

/**
 * @param directory as `provision` writes it; with a name to claim, as `claims issue` does
 * @param claimedName the thing that the node is to become by itself
 * @returns the file, which only its owner may read
 * @throws UsageError; BoardError
 */
export async function writeNvsOf(
	directory: string,
	flags: NvsFlags & { readonly nvs: string },
	claimedName?: string,
): Promise<string> {
	const path = resolve(flags.nvs);
	const identity = readIdentityFolder(directory);
	const isClaim = identity.config.clientIdPrefix !== undefined;
	if (isClaim !== (claimedName !== undefined))
		throw new UsageError(
			isClaim
				? `${directory} holds a claim certificate: say --claim.`
				: `${directory} holds no claim certificate: \`thinghz claims issue DIR\` makes one.`,
		);
	const config =
		claimedName === undefined
			? identity.config
			: { ...identity.config, thing: claimedName };
	const image = makeNvs(
		{ ...identity, config },
		{
			wifi: await wifiOf(flags),
			sensors: sensorsOf(flags.sensors),
		},
	);
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

function sensorsOf(path: string | undefined): string | undefined {
	if (path === undefined) return undefined;
	try {
		return readFileSync(path, "utf8").trim();
	} catch (cause) {
		throw new UsageError(
			`${path} cannot be read: ${(cause as Error).message}`,
			{ cause },
		);
	}
}
