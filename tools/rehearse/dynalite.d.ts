declare module "dynalite" {
	import type { Server } from "node:http";

	/** A stand-in for DynamoDB, in memory where no path is given. */
	function dynalite(options?: {
		readonly createTableMs?: number;
		readonly deleteTableMs?: number;
		readonly updateTableMs?: number;
		readonly maxItemSizeKb?: number;
	}): Server;
	export = dynalite;
}
