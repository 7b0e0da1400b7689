/** Lambda's entry: rows of blocks, from the stream of the blocks table. */

import { RowFeed } from "../../core/row-feed.ts";
import { readEnvironment } from "../environment.ts";
import { consoleLog } from "../log.ts";
import { openRowStore } from "../row-stores.ts";
import { rowsHandler } from "../rows.ts";
import { openMeasurements } from "../runtime.ts";

const environment = readEnvironment("rows", process.env);

export const handler = rowsHandler({
	feed: new RowFeed({
		stores: openMeasurements(environment),
		rows: await openRowStore(environment.rowStore, process.env),
	}),
	log: consoleLog,
});
