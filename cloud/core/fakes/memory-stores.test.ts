import { alertStoreContract } from "../contracts/alert-store.ts";
import { blockStoreContract } from "../contracts/block-store.ts";
import { certificateStoreContract } from "../contracts/certificate-store.ts";
import { recordStoresContract } from "../contracts/record-stores.ts";
import { rollupStoreContract } from "../contracts/rollup-store.ts";
import { memoryStores } from "./memory-stores.ts";

const makeStores = async () => memoryStores();

blockStoreContract("Memory", makeStores);
rollupStoreContract("Memory", makeStores);
recordStoresContract("Memory", makeStores);
alertStoreContract("Memory", async () => (await makeStores()).alerts);
certificateStoreContract(
	"Memory",
	async () => (await makeStores()).certificates,
);
