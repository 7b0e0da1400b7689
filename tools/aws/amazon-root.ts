/** The authority that the brokers' certificates of AWS IoT go back to, out of the roots that Node.js carries. */
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { AwsError } from "./errors.ts";

/**
 * Of "Amazon Root CA 1", which AWS IoT's ATS endpoints chain to (developer guide, "Server authentication"): SHA-256 of
 * its DER form, as Amazon Trust Services' repository lists it.
 */
const FINGERPRINT =
	"8E:CD:E6:88:4F:3D:87:B1:12:5B:A3:1A:C3:FC:B1:3D:70:16:DE:7F:57:CC:90:4F:E1:CB:97:C6:AE:98:19:6E";

/** @returns PEM. @throws AwsError when this Node.js does not have it */
export function amazonRootPem(): string {
	const pem = rootCertificates.find(
		(one) => new X509Certificate(one).fingerprint256 === FINGERPRINT,
	);
	if (pem === undefined) {
		throw new AwsError(
			"This Node.js does not carry Amazon Root CA 1, from which a node checks AWS IoT: use a build with Mozilla's list of roots.",
		);
	}
	return `${pem.trim()}\n`;
}
