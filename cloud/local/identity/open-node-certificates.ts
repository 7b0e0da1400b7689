/** Opens what makes certificates for devices when it is first needed: it brings a library along that most commands do without. */
import type { NodeCertificates } from "../../core/provisioning/ports.ts";

/** @param dataDir whose authority signs. What is asked of it also throws IdentityError, where that cannot be used. */
export function openNodeCertificates(dataDir: string): NodeCertificates {
	let opened: Promise<NodeCertificates> | null = null;
	const certificates = () => {
		opened ??= open(dataDir);
		return opened;
	};
	return {
		sign: async (request) => (await certificates()).sign(request),
		make: async () => (await certificates()).make(),
	};
}

async function open(dataDir: string): Promise<NodeCertificates> {
	const [{ openAuthority }, { nodeCertificates }] = await Promise.all([
		import("./authority.ts"),
		import("./node-certificates.ts"),
	]);
	return nodeCertificates(await openAuthority(dataDir));
}
