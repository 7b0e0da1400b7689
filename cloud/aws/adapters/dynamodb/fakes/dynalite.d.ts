/** The part of dynalite that we use: it comes without types. */
declare module "dynalite" {
	import type { Server } from "node:http";

	function dynalite(options?: {
		/** How long tables are in CREATING and DELETING, ms. */
		readonly createTableMs?: number;
		readonly deleteTableMs?: number;
	}): Server;

	export = dynalite;
}
