/** Who the node is: from the folder `identity`, in which the files of `thinghz provision` are. */
import { IdentityError, type ThingIdentity } from "../identity-of-thing.ts";
import { derOfPem, dersOfPem } from "./pem.ts";
import { readText } from "./text-file.ts";

export interface FolderIdentity extends ThingIdentity {
	/** Where the endpoint is, in place of a name lookup: `address` in config.json. */
	readonly address: string | undefined;
}

/** @throws IdentityError naming the file that is missing or wrong */
export function readIdentityFolder(): FolderIdentity {
	const { thing, endpoint, port, certificateId, address } = JSON.parse(
		read("config.json"),
	);
	if (typeof thing !== "string" || typeof endpoint !== "string" || !endpoint)
		throw new IdentityError("config.json", "identity/config.json is damaged.");
	return {
		thing,
		host: endpoint,
		port,
		certificateId,
		address: typeof address === "string" ? address : undefined,
		credentials: {
			certificate: derOfPem(read("certificate.pem")),
			key: derOfPem(read("private.pem")),
			authorities: dersOfPem(read("ca.pem")).map((der) => new Uint8Array(der)),
		},
	};
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
