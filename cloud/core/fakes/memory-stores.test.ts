import { alertStoreContract } from "../contracts/alert-store.ts";
import { blockStoreContract, ONE_COMMIT } from "../contracts/block-store.ts";
import { certificateStoreContract } from "../contracts/certificate-store.ts";
import { logStoreContract } from "../contracts/log-store.ts";
import { recordStoresContract } from "../contracts/record-stores.ts";
import { rollupStoreContract } from "../contracts/rollup-store.ts";
import { memoryStores } from "./memory-stores.ts";

const makeStores = async () => memoryStores();

blockStoreContract("Memory", makeStores, ONE_COMMIT);
rollupStoreContract("Memory", makeStores, ONE_COMMIT);
recordStoresContract("Memory", makeStores);
alertStoreContract("Memory", async () => (await makeStores()).alerts);
logStoreContract("Memory", async () => (await makeStores()).logs);
certificateStoreContract(
	"Memory",
	async () => (await makeStores()).certificates,
);
