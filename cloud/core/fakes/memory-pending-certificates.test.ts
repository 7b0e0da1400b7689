import { pendingCertificateStoreContract } from "../contracts/pending-certificate-store.ts";
import { memoryPendingCertificates } from "./memory-pending-certificates.ts";
import { memoryStores } from "./memory-stores.ts";

pendingCertificateStoreContract("Memory", async () => {
	const { certificates } = memoryStores();
	return { pending: memoryPendingCertificates(certificates), certificates };
});
