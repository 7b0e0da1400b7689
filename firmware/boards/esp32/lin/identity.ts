/** Who the node is: from the folder `identity`, in which the files of `thinghz provision` are. */
import type { Identity } from "../../../node/ports.ts";
import { checkCredentials } from "../credentials.ts";
import {
	type CheckedCredentials,
	IdentityError,
	portOf,
} from "../identity-of-thing.ts";
import { derOfPem, dersOfPem } from "../pem.ts";
import { readText } from "./text-file.ts";

export interface FolderIdentity extends Identity {
	/** Where the endpoint is, in place of a name lookup: `address` in config.json. */
	readonly address: string | undefined;
}

/** @throws IdentityError naming the file that is missing or wrong */
export function readIdentityFolder(): FolderIdentity {
	const { thing, endpoint, port, certificateId, address, clientIdPrefix } =
		readConfig();
	for (const value of [thing, endpoint, certificateId])
		if (typeof value !== "string" || value === "") throw damaged("config.json");
	return {
		thing: String(thing),
		host: String(endpoint),
		port: portOf(port),
		certificateId: String(certificateId),
		// As `thinghz claims issue` writes it, with the thing's name added to it.
		isClaim: typeof clientIdPrefix === "string",
		address: typeof address === "string" ? address : undefined,
	};
}

/** @throws IdentityError naming the file that is missing or wrong */
export function readCredentialsFolder(): CheckedCredentials {
	return checkCredentials({
		certificate: readPem("certificate.pem", derOfPem),
		key: readPem("private.pem", derOfPem),
		authorities: readPem("ca.pem", dersOfPem).map((der) => new Uint8Array(der)),
	});
}

function readConfig(): Readonly<Record<string, unknown>> {
	const text = read("config.json");
	try {
		const config: unknown = JSON.parse(text);
		if (typeof config === "object" && config !== null)
			return config as Record<string, unknown>;
	} catch (error) {
		if (!(error instanceof SyntaxError)) throw error;
	}
	throw damaged("config.json");
}

function readPem<T>(name: string, parse: (pem: string) => T): T {
	const pem = read(name);
	try {
		return parse(pem);
	} catch (error) {
		if (!(error instanceof SyntaxError)) throw error;
		throw damaged(name);
	}
}

function damaged(name: string): IdentityError {
	return new IdentityError(name, `identity/${name} is damaged.`);
}

function read(name: string): string {
	const text = readText(`identity/${name}`);
	if (text === undefined)
		throw new IdentityError(
			name,
			`There is no identity/${name} here: put the folder that \`thinghz provision\` writes where the node is started.`,
		);
	return text;
}
