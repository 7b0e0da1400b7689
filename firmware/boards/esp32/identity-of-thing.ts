/** Who a node is, wherever the board keeps it. */
import type { Identity } from "../../node/ports.ts";

/** All DER. */
export interface Credentials {
	readonly certificate: ArrayBuffer;
	/** PKCS #8, RSA. */
	readonly key: ArrayBuffer;
	/** Whoever a server's certificate must come from. */
	readonly authorities: readonly Uint8Array[];
}

export interface ThingIdentity extends Identity {
	readonly credentials: Credentials;
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
