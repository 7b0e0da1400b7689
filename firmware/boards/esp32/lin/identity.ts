/** Who the node is: from the folder `identity`, in which the files of `thinghz provision` are. */
import { IdentityError, type ThingIdentity } from "../identity-of-thing.ts";
import { derOfPem } from "./pem.ts";
import { readText } from "./text-file.ts";

/** @throws IdentityError naming the file that is missing or wrong */
export function readIdentityFolder(): ThingIdentity {
	const { thing, endpoint, port, certificateId } = JSON.parse(
		read("config.json"),
	);
	if (typeof thing !== "string" || typeof endpoint !== "string")
		throw new IdentityError("config.json", "identity/config.json is damaged.");
	return {
		thing,
		host: endpoint,
		port,
		certificateId,
		credentials: {
			certificate: derOfPem(read("certificate.pem")),
			key: derOfPem(read("private.pem")),
			authorities: [new Uint8Array(derOfPem(read("ca.pem")))],
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
