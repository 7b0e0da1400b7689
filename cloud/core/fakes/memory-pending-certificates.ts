/** Pending certificates in memory, for tests. */
import type { CertificateStore } from "../ports.ts";
import {
	MAX_PENDING_CERTIFICATES,
	type PendingCertificate,
	type PendingCertificateStore,
} from "../provisioning/ports.ts";

/** @param certificates where those go that come into force */
export function memoryPendingCertificates(
	certificates: Pick<CertificateStore, "add" | "get">,
): PendingCertificateStore {
	const all = new Map<string, PendingCertificate>();
	const find = (tokenHash: string, nowMs: number) => {
		const found = all.get(tokenHash);
		return found !== undefined && found.expiresMs > nowMs ? found : null;
	};
	return {
		async add(pending, nowMs) {
			for (const { tokenHash, expiresMs } of [...all.values()]) {
				if (expiresMs <= nowMs) all.delete(tokenHash);
			}
			all.set(pending.tokenHash, pending);
			if (all.size <= MAX_PENDING_CERTIFICATES) return;
			const [first] = [...all.values()].sort(
				(a, b) => a.expiresMs - b.expiresMs,
			);
			if (first !== undefined) all.delete(first.tokenHash);
		},
		async get(tokenHash, nowMs) {
			return find(tokenHash, nowMs);
		},
		async redeem(tokenHash, certificate, askedWith, nowMs) {
			const by = await certificates.get(askedWith);
			const found = find(tokenHash, nowMs);
			if (found?.certificateId !== certificate.certificateId) return false;
			if (by?.status !== "ACTIVE") return false;
			all.delete(tokenHash);
			await certificates.add(certificate);
			return true;
		},
	};
}
