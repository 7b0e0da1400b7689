/** Who a machine is, as `thinghz provision` writes it. */
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Identity } from "../../node/ports.ts";
import type { Credentials } from "./peripherals/network.ts";

/** A machine's name, its endpoint, and what proves it. Without credentials it speaks plain TCP, for tests. */
export interface MachineIdentity {
	readonly thing: string;
	readonly host: string;
	readonly port: number;
	readonly credentials?: Credentials;
	/** They are of a claim certificate, by which the machine may become the thing. */
	readonly isClaim?: boolean;
}

/** The folder of an identity cannot be used. */
export class IdentityError extends Error {
	override readonly name = "IdentityError";
	readonly code = "identity_unusable";
}

/**
 * Reads DIR/{certificate.pem,private.pem,ca.pem,config.json}; `config.json` holds `thing`, `host` (or `endpoint`) and `port`; that of a
 * claim certificate, as `thinghz claims issue` writes it, holds `clientIdPrefix`, and `thing` where it is known.
 * @param serial the thing that the holder of a claim certificate is to be, where the folder does not say
 * @throws IdentityError that names the file
 */
export function readIdentity(
	directory: string,
	serial?: string,
): MachineIdentity {
	const read = (name: string) => {
		try {
			return readFileSync(join(directory, name), "utf8");
		} catch (cause) {
			throw new IdentityError(
				`${join(directory, name)} cannot be read. \`thinghz provision NAME\` writes such a folder.`,
				{
					cause,
				},
			);
		}
	};
	const path = join(directory, "config.json");
	let config: Record<string, unknown>;
	try {
		config = JSON.parse(read("config.json"));
	} catch (cause) {
		if (cause instanceof IdentityError) throw cause;
		throw new IdentityError(`${path} is not JSON.`, { cause });
	}
	const isClaim = typeof config.clientIdPrefix === "string";
	const { port, thing = isClaim ? serial : undefined } = config;
	const host = config.host ?? config.endpoint;
	if (typeof thing !== "string" || typeof host !== "string") {
		throw new IdentityError(`${path} lacks "thing" or "host".`);
	}
	if (typeof port !== "number")
		throw new IdentityError(`${path} lacks "port".`);
	return {
		thing,
		host,
		port,
		credentials: {
			certificate: read("certificate.pem"),
			privateKey: read("private.pem"),
			ca: read("ca.pem"),
		},
		...(isClaim ? { isClaim } : {}),
	};
}

/** What the node itself is told of the identity that its board was provisioned with: never its key. */
export function nodeIdentity(identity: MachineIdentity): Identity {
	const { thing, host, port, credentials, isClaim = false } = identity;
	return {
		thing,
		host,
		port,
		certificateId: certificateId(credentials),
		...(isClaim ? { isClaim } : {}),
	};
}

function certificateId(credentials: Credentials | undefined): string {
	if (credentials === undefined) return "none";
	const { raw } = new X509Certificate(credentials.certificate);
	return createHash("sha256").update(raw).digest("hex");
}
