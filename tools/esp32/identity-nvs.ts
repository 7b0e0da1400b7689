/** What a board finds in NVS at its first start: who it is, which network it joins, which sensors it has (docs/moddable.md). */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { checkCredentials } from "../../firmware/boards/esp32/credentials.ts";
import { IdentityError } from "../../firmware/boards/esp32/identity-of-thing.ts";
import { parseSensors } from "../../firmware/boards/esp32/sensors/config.ts";
import type { NvsEntry } from "../../firmware/image/nvs-layout.ts";
import { writeNvs } from "../../firmware/image/nvs-writer.ts";
import type { ThingConfig } from "../identity/provision.ts";
import { BoardError } from "./errors.ts";

/** The partition `nvs` of firmware/boards/esp32/partitions.csv. */
export const NVS_BYTES = 0x5000;
/** As firmware/boards/esp32/identity.ts and settings.ts name them. */
const IDENTITY = "identity";
const NODE = "thinghz";

export interface Wifi {
	/** 1 to 32 bytes of UTF-8. */
	readonly ssid: string;
	/** 8 to 63 characters, or 64 hex digits; null for an open network. */
	readonly password: string | null;
}

export interface BoardIdentity {
	readonly config: Omit<ThingConfig, "thing"> & {
		/** Absent beside a claim certificate where the board names itself by its chip's number. */
		readonly thing?: string;
		/** In that of a claim certificate, as `thinghz claims issue` writes it. */
		readonly clientIdPrefix?: string;
	};
	readonly certificatePem: string;
	readonly keyPem: string;
	readonly authorityPem: string;
}

export interface NvsOptions {
	readonly wifi?: Wifi | undefined;
	/** The JSON of docs/esp32.md. */
	readonly sensors?: string | undefined;
	readonly sizeBytes?: number;
}

/** A folder as `thinghz provision` writes it. @throws BoardError bad_identity */
export function readIdentityFolder(directory: string): BoardIdentity {
	const read = (name: string) => {
		try {
			return readFileSync(join(directory, name), "utf8");
		} catch (cause) {
			throw new BoardError(
				"bad_identity",
				`${join(directory, name)} cannot be read. \`thinghz provision NAME\` writes it.`,
				cause,
			);
		}
	};
	let config: BoardIdentity["config"];
	try {
		config = JSON.parse(read("config.json"));
	} catch (cause) {
		if (!(cause instanceof SyntaxError)) throw cause;
		throw new BoardError(
			"bad_identity",
			`${join(directory, "config.json")} is not JSON.`,
			cause,
		);
	}
	return {
		config,
		certificatePem: read("certificate.pem"),
		keyPem: read("private.pem"),
		authorityPem: read("ca.pem"),
	};
}

/** An NVS partition for a fresh board. @throws BoardError bad_identity, bad_wifi; FlashFormatError no_room */
export function makeNvs(
	identity: BoardIdentity,
	{ wifi, sensors, sizeBytes = NVS_BYTES }: NvsOptions = {},
): Uint8Array {
	const entries: NvsEntry[] = [
		...identityEntries(identity),
		...(wifi === undefined ? [] : wifiEntries(wifi)),
	];
	if (sensors !== undefined) {
		requireSensors(sensors);
		entries.push({
			namespace: NODE,
			key: "sensors",
			type: "string",
			value: sensors,
		});
	}
	// The SDK's `preference` throws where a namespace is not there, and a node reads its own before it writes.
	return writeNvs({ entries, namespaces: [NODE] }, sizeBytes);
}

function identityEntries(identity: BoardIdentity): NvsEntry[] {
	const { config, certificatePem, keyPem, authorityPem } = identity;
	if (config.thing === undefined && config.clientIdPrefix === undefined)
		throw new BoardError("bad_identity", "The identity names no thing.");
	const certificate = derOf(certificatePem, "certificate");
	const authority = derOf(authorityPem, "authority");
	const key = keyOf(keyPem);
	try {
		checkCredentials({
			certificate: bufferOf(certificate),
			key: bufferOf(key),
			authorities: [authority],
		});
	} catch (error) {
		if (!(error instanceof IdentityError)) throw error;
		throw new BoardError("bad_identity", error.message, error);
	}
	const text = (key: string, value: string): NvsEntry => ({
		namespace: IDENTITY,
		key,
		type: "string",
		value,
	});
	const blob = (key: string, value: Uint8Array): NvsEntry => ({
		namespace: IDENTITY,
		key,
		type: "blob",
		value,
	});
	return [
		...(config.thing === undefined ? [] : [text("thing", config.thing)]),
		// The node becomes the thing by itself, and keeps its own certificate in its own settings.
		...(config.clientIdPrefix === undefined
			? []
			: [
					{
						namespace: IDENTITY,
						key: "claim",
						type: "i32" as const,
						value: 1,
					},
				]),
		text("host", config.endpoint),
		{ namespace: IDENTITY, key: "port", type: "i32", value: config.port },
		text("certificateId", config.certificateId),
		blob("certificate", certificate),
		blob("key", key),
		blob("authority", authority),
	];
}

/** Of the one certificate that there is: a board trusts one authority. */
function derOf(pem: string, what: string): Uint8Array {
	const count = pem.split("-----BEGIN CERTIFICATE-----").length - 1;
	if (count !== 1)
		throw new BoardError(
			"bad_identity",
			`The ${what} is to be one certificate in PEM; here are ${count}.`,
		);
	try {
		return new Uint8Array(new X509Certificate(pem).raw);
	} catch (cause) {
		throw new BoardError("bad_identity", `The ${what} cannot be read.`, cause);
	}
}

function keyOf(pem: string): Uint8Array {
	try {
		const key = createPrivateKey(pem);
		return new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
	} catch (cause) {
		throw new BoardError(
			"bad_identity",
			"The private key cannot be read.",
			cause,
		);
	}
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
	return new Uint8Array(bytes).buffer;
}

/** @throws BoardError bad_wifi */
export function requireWifi({ ssid, password }: Wifi): void {
	const ssidBytes = Buffer.byteLength(ssid);
	if (ssidBytes < 1 || ssidBytes > 32)
		throw new BoardError(
			"bad_wifi",
			`A network's name has 1 to 32 bytes, not ${ssidBytes}.`,
		);
	// IEEE 802.11i, annex H.4: a passphrase of 8 to 63 characters of ASCII, or the key itself.
	const isPassword =
		password === null ||
		/^[\x20-\x7e]{8,63}$/.test(password) ||
		/^[0-9a-fA-F]{64}$/.test(password);
	if (!isPassword)
		throw new BoardError(
			"bad_wifi",
			"A network's password has 8 to 63 characters of ASCII, or 64 hex digits.",
		);
}

/** A board reports what it refuses, but is in a field by then. @throws SensorConfigError */
export function requireSensors(sensors: string): void {
	parseSensors(sensors);
}

function wifiEntries(wifi: Wifi): NvsEntry[] {
	requireWifi(wifi);
	const { ssid, password } = wifi;
	const entry = (key: string, value: string): NvsEntry => ({
		namespace: IDENTITY,
		key,
		type: "string",
		value,
	});
	return [
		entry("ssid", ssid),
		...(password === null ? [] : [entry("password", password)]),
	];
}
