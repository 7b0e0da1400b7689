/** Certificates for devices that ask for one themselves, by the authority of a data folder. */
import { generateKeyPair, X509Certificate } from "node:crypto";
import { promisify } from "node:util";
import type {
	NodeCertificates,
	SignedCertificate,
} from "../../core/provisioning/ports.ts";
import { type CertificateAuthority, certificateIdOf } from "./authority.ts";
import { keyOfRequest } from "./certificate-request.ts";

/**
 * What stands in such a certificate in place of a name, which its device has not been given yet, if it ever will: with its
 * space it is no thing's name. Whose it is the cloud's records say.
 */
const UNNAMED = "ThingHz device";

export function nodeCertificates(
	authority: Pick<CertificateAuthority, "issueDevice">,
): NodeCertificates {
	async function signKey(keyDer: Uint8Array): Promise<SignedCertificate> {
		const certificatePem = await authority.issueDevice(keyDer, UNNAMED);
		const { raw } = new X509Certificate(certificatePem);
		return { certificateId: certificateIdOf(raw), certificatePem };
	}
	return {
		async sign(request) {
			return signKey(keyOfRequest(request));
		},
		async make() {
			const { publicKey, privateKey } = await promisify(generateKeyPair)(
				"rsa",
				{
					modulusLength: 2048,
					publicKeyEncoding: { type: "spki", format: "der" },
					privateKeyEncoding: { type: "pkcs8", format: "pem" },
				},
			);
			return { ...(await signKey(publicKey)), privateKey };
		},
	};
}
