/** Who a node is, wherever the board keeps it. */

/** All DER. */
export interface Credentials {
	readonly certificate: ArrayBuffer;
	/** PKCS #8, RSA. */
	readonly key: ArrayBuffer;
	/** Whoever a server's certificate must come from. */
	readonly authorities: readonly Uint8Array[];
}

/** A node's credentials that have been looked at. */
export interface CheckedCredentials extends Credentials {
	/** ms since the Unix epoch: the node's certificate was not there before. */
	readonly issuedMs: number;
}

/** The node cannot know who it is; `code` is what is missing or wrong. */
export class IdentityError extends Error {
	override readonly name = "IdentityError";
	readonly code: string;

	constructor(code: string, message: string) {
		super(message);
		this.code = code;
	}
}

/** @throws IdentityError unless it is one of TCP */
export function portOf(value: unknown): number {
	const port = typeof value === "string" ? Number(value) : value;
	if (
		typeof port === "number" &&
		Number.isInteger(port) &&
		port > 0 &&
		port < 65536
	)
		return port;
	throw new IdentityError("port", `"${value}" is no port of an endpoint.`);
}
