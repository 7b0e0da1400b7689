import type { CertificateReason } from "../../firmware/tls/reasons.ts";
import type { Chain, World } from "./world.ts";

export interface Case {
	/** What the server presents. */
	readonly name: string;
	readonly expect: "trusted" | CertificateReason;
	readonly make: (world: World) => Chain;
	/** Why Node's TLS, given the same, decides otherwise. */
	readonly nodeDiffers?: string;
}
