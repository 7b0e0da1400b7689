import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alertStoreContract } from "../../core/contracts/alert-store.ts";
import {
	blockStoreContract,
	ONE_COMMIT,
} from "../../core/contracts/block-store.ts";
import { certificateStoreContract } from "../../core/contracts/certificate-store.ts";
import { claimStoreContract } from "../../core/contracts/claim-store.ts";
import { grantStoreContract } from "../../core/contracts/grant-store.ts";
import { jobStoreContract } from "../../core/contracts/job-store.ts";
import { pendingCertificateStoreContract } from "../../core/contracts/pending-certificate-store.ts";
import { queriesContract } from "../../core/contracts/queries.ts";
import { recordStoresContract } from "../../core/contracts/record-stores.ts";
import { rollupStoreContract } from "../../core/contracts/rollup-store.ts";
import { shadowStoreContract } from "../../core/contracts/shadow-store.ts";
import { type OpenStores, openStores } from "./stores.ts";

describe("SQLite", () => {
	const opened: { stores: OpenStores; dir: string }[] = [];

	async function makeStores(): Promise<OpenStores> {
		const dir = await mkdtemp(join(tmpdir(), "thinghz-sqlite-"));
		const stores = await openStores(dir);
		opened.push({ stores, dir });
		return stores;
	}

	afterEach(async () => {
		for (const { stores, dir } of opened.splice(0)) {
			await stores.close();
			await rm(dir, { recursive: true });
		}
	});

	blockStoreContract("SQLite", makeStores, ONE_COMMIT);
	rollupStoreContract("SQLite", makeStores, ONE_COMMIT);
	recordStoresContract("SQLite", makeStores);
	alertStoreContract("SQLite", async () => (await makeStores()).alerts);
	certificateStoreContract(
		"SQLite",
		async () => (await makeStores()).certificates,
	);
	jobStoreContract("SQLite", async () => (await makeStores()).jobs);
	claimStoreContract("SQLite", async () => (await makeStores()).claims);
	pendingCertificateStoreContract("SQLite", async () => {
		const { pendingCertificates, certificates } = await makeStores();
		return { pending: pendingCertificates, certificates };
	});
	grantStoreContract("SQLite", async () => (await makeStores()).grants);
	shadowStoreContract("SQLite", async () => (await makeStores()).shadows);
	queriesContract("SQLite", makeStores, { numRuns: 25 });
});
