/** Who the node is, and what it proves it with: from NVS, where provisioning wrote it. */
import Preference from "preference";
import type { Identity, Station } from "../../node/ports.ts";
import { checkCredentials } from "./credentials.ts";
import {
	type CheckedCredentials,
	IdentityError,
	portOf,
} from "./identity-of-thing.ts";

/** NVS namespace of what provisioning writes, and the node only reads. */
export const IDENTITY_DOMAIN = "identity";

/** What a board that was given no name is called, as one of many with a claim certificate: this and its chip's number. */
const NAMELESS = "node-";

/**
 * @param serial the chip's number
 * @throws IdentityError naming what is missing or wrong
 */
export function readIdentity(serial: () => string): Identity {
	const isClaim = Preference.get(IDENTITY_DOMAIN, "claim") === 1;
	const isNamed = Preference.get(IDENTITY_DOMAIN, "thing") !== undefined;
	return {
		thing: isClaim && !isNamed ? NAMELESS + serial() : text("thing"),
		host: text("host"),
		port: portOf(text("port")),
		certificateId: text("certificateId"),
		isClaim,
	};
}

/** What was provisioned. @throws IdentityError naming what is missing or wrong */
export function readCredentials(): CheckedCredentials {
	return checkCredentials({
		certificate: bytes("certificate"),
		key: bytes("key"),
		authorities: [new Uint8Array(bytes("authority"))],
	});
}

/** The access point to join; undefined while none is configured. */
export function readStation(): Station | undefined {
	const ssid = Preference.get(IDENTITY_DOMAIN, "ssid");
	if (typeof ssid !== "string" || ssid === "") return undefined;
	const password = Preference.get(IDENTITY_DOMAIN, "password");
	return typeof password === "string" && password !== ""
		? { ssid, password }
		: { ssid };
}

function text(key: string): string {
	const value = Preference.get(IDENTITY_DOMAIN, key);
	if (value !== undefined && `${value}` !== "") return `${value}`;
	throw missing(key);
}

function bytes(key: string): ArrayBuffer {
	const value = Preference.get(IDENTITY_DOMAIN, key);
	if (value instanceof ArrayBuffer && value.byteLength > 0) return value;
	throw missing(key);
}

function missing(key: string): IdentityError {
	return new IdentityError(
		key,
		`The board has no identity: "${key}" is not in NVS. Provision it.`,
	);
}
