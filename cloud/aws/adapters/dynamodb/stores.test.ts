import { alertStoreContract } from "../../../core/contracts/alert-store.ts";
import {
	blockStoreContract,
	type StorePromises,
} from "../../../core/contracts/block-store.ts";
import { claimStoreContract } from "../../../core/contracts/claim-store.ts";
import { grantStoreContract } from "../../../core/contracts/grant-store.ts";
import { latestExecutionStoreContract } from "../../../core/contracts/latest-execution-store.ts";
import { logStoreContract } from "../../../core/contracts/log-store.ts";
import { movableClock } from "../../../core/contracts/movable-clock.ts";
import { presenceStoreContract } from "../../../core/contracts/presence-store.ts";
import { queriesContract } from "../../../core/contracts/queries.ts";
import { recordStoresContract } from "../../../core/contracts/record-stores.ts";
import { replacementStoreContract } from "../../../core/contracts/replacement-store.ts";
import { rollupStoreContract } from "../../../core/contracts/rollup-store.ts";
import type { Clock } from "../../../core/ports.ts";
import { startTables, type TestTables } from "./fakes/test-tables.ts";
import { type DynamoStores, dynamoStores } from "./stores.ts";

/** docs/decisions/0015-blocks-in-dynamodb.md says why not the others. */
const PROMISES: StorePromises = {
	knowsIdentities: false,
	givesUntimedOnce: false,
	marksOnlyNew: false,
};

describe("DynamoDB", () => {
	let tables: TestTables;

	before(async () => {
		tables = await startTables();
	});

	after(() => tables.stop());

	async function makeStores(clock: Clock): Promise<DynamoStores> {
		return dynamoStores({
			client: tables.client,
			tables: await tables.fresh(),
			clock,
			retentionMs: null,
		});
	}
	const make = (): Promise<DynamoStores> => makeStores(movableClock());

	blockStoreContract("DynamoDB", makeStores, PROMISES);
	rollupStoreContract("DynamoDB", makeStores, PROMISES);
	recordStoresContract("DynamoDB", makeStores);
	presenceStoreContract("DynamoDB", make);
	latestExecutionStoreContract("DynamoDB", make);
	alertStoreContract("DynamoDB", async () => (await make()).alerts);
	logStoreContract("DynamoDB", async () => (await make()).logs);
	grantStoreContract("DynamoDB", async () => (await make()).grants);
	claimStoreContract("DynamoDB", async () => (await make()).claims);
	replacementStoreContract("DynamoDB", async () => (await make()).replacements);
	// Each run is some hundred requests of a millisecond or two.
	queriesContract("DynamoDB", makeStores, { numRuns: 3 });
});
