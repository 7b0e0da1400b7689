/** Judges the certificate that a client showed in the TLS handshake, and says in words what is wrong with it. */
import type { TLSSocket } from "node:tls";

/** A certificate that must not be spoken with; `message` names whose it says it is. */
export class CertificateRefused extends Error {
	override readonly name = "CertificateRefused";
	/** OpenSSL's name of what is wrong, such as "CERT_HAS_EXPIRED". */
	readonly code: string;

	constructor(code: string, message: string) {
		super(message);
		this.code = code;
	}
}

/**
 * To be asked when the handshake has ended and before anything is read of a socket whose server has set
 * `rejectUnauthorized: false`: with `true`, Node destroys it at this very point and tells nobody why.
 * @returns null when the authority signed it for a client and it is valid now
 */
export function judgeCertificate(socket: TLSSocket): CertificateRefused | null {
	const certificate = socket.getPeerX509Certificate();
	if (certificate === undefined) {
		return new CertificateRefused(
			"NO_CERTIFICATE",
			"The client showed no certificate",
		);
	}
	if (socket.authorized) return null;
	const code = String(socket.authorizationError);
	const name = showName(socket.getPeerCertificate().subject?.CN);
	return new CertificateRefused(
		code,
		`The certificate of ${name} ${faultOf(code, certificate)}`,
	);
}

function faultOf(
	code: string,
	{
		validFrom,
		validTo,
	}: { readonly validFrom: string; readonly validTo: string },
): string {
	switch (code) {
		case "CERT_HAS_EXPIRED":
			return `has expired: it was good until ${validTo}`;
		case "CERT_NOT_YET_VALID":
			return `is not yet valid: it will be from ${validFrom}`;
		case "INVALID_PURPOSE":
			return "is not for clients";
		default:
			return `is not trusted by this cloud's authority (${code})`;
	}
}

/** What a stranger calls itself, for logs: short, and without what a terminal could obey. */
function showName(name: string | string[] | undefined): string {
	const text = Array.isArray(name) ? name.join(",") : (name ?? "nobody");
	return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 128);
}
