/** The certificate the broker shows: kept below DATA/ca, made anew when it is near its end or names other hosts. */
import {
	createPrivateKey,
	generateKeyPairSync,
	X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import type { CertificateAuthority } from "./authority.ts";
import { PUBLIC_MODE, readIfThere, SECRET_MODE, writeWhole } from "./files.ts";

const RENEW_BEFORE_MS = 30 * 86_400_000;
/** How everything on this machine can reach the broker; named whatever else is. */
const LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "::1"];

export interface ServerIdentity {
	readonly key: string;
	readonly cert: string;
	/** The authority's certificate: what clients pin, and what client certificates must be signed by. */
	readonly ca: string;
	readonly expiresMs: number;
}

/**
 * @param hosts names and addresses beside loopback that clients use to reach the server; "0.0.0.0" and "::" stand for
 * this machine's name and all its addresses
 * @throws IdentityError file_access
 */
export async function serverIdentity(
	authority: CertificateAuthority,
	dataDir: string,
	hosts: readonly string[] = [],
	nowMs: number = Date.now(),
): Promise<ServerIdentity> {
	const certPath = join(dataDir, "ca", "server.pem");
	const keyPath = join(dataDir, "ca", "server-private.pem");
	const named = [
		...new Set([...LOOPBACK_HOSTS, ...hosts.flatMap(reachableAs)]),
	];
	const cert = await readIfThere(certPath);
	const key = await readIfThere(keyPath);
	if (cert !== null && key !== null) {
		const expiresMs = usableUntil(authority, { cert, key }, named);
		if (expiresMs !== null && expiresMs - nowMs > RENEW_BEFORE_MS) {
			return { key, cert, ca: authority.certificatePem, expiresMs };
		}
	}
	return issue(authority, { certPath, keyPath }, named);
}

/**
 * Whether clients that reach the server by this host are shown a certificate that names it.
 * @returns null when there is no certificate yet
 */
export async function serverIsNamed(
	dataDir: string,
	host: string,
): Promise<boolean | null> {
	const cert = await readIfThere(join(dataDir, "ca", "server.pem"));
	if (cert === null) return null;
	try {
		return names(new X509Certificate(cert), host);
	} catch {
		// Not PEM: as good as absent, and a new one takes its place.
		return null;
	}
}

function names(certificate: X509Certificate, host: string): boolean {
	return isIP(host) === 0
		? certificate.checkHost(host) !== undefined
		: certificate.checkIP(host) !== undefined;
}

function reachableAs(host: string): readonly string[] {
	if (host !== "0.0.0.0" && host !== "::") return [host];
	const addresses = Object.values(networkInterfaces())
		.flatMap((all) => all ?? [])
		// A link-local IPv6 address is reached with a zone, which no certificate can name.
		.filter(({ address }) => !address.startsWith("fe80:"))
		.map(({ address }) => address);
	return [hostname(), ...addresses];
}

async function issue(
	authority: CertificateAuthority,
	paths: { readonly certPath: string; readonly keyPath: string },
	hosts: readonly string[],
): Promise<ServerIdentity> {
	const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const key = pair.privateKey
		.export({ type: "pkcs8", format: "pem" })
		.toString();
	const cert = await authority.issueServer(
		pair.publicKey.export({ type: "spki", format: "der" }),
		hosts,
	);
	await writeWhole(paths.keyPath, key, SECRET_MODE);
	await writeWhole(paths.certPath, cert, PUBLIC_MODE);
	const expiresMs = Date.parse(new X509Certificate(cert).validTo);
	return { key, cert, ca: authority.certificatePem, expiresMs };
}

/** When it ends, or null when it is not ours, not whole, or does not name every host. */
function usableUntil(
	authority: CertificateAuthority,
	files: { readonly cert: string; readonly key: string },
	hosts: readonly string[],
): number | null {
	let certificate: X509Certificate;
	try {
		certificate = new X509Certificate(files.cert);
		if (!certificate.checkPrivateKey(createPrivateKey(files.key))) return null;
	} catch {
		// Not PEM: as good as absent, and a new one takes its place.
		return null;
	}
	const issuer = new X509Certificate(authority.certificatePem);
	if (!certificate.verify(issuer.publicKey)) return null;
	return hosts.every((host) => names(certificate, host))
		? Date.parse(certificate.validTo)
		: null;
}
