/**
 * Takes the place of the SDK's `ssl/cert` (modules/crypt/ssl/ssl_cert.js): who the server is is judged by what the connection
 * brings along, and nobody is trusted by default. The handshake calls `verify` with the server's list, then `getKey` for each
 * message that the server has to have signed.
 */
/// <reference path="./sdk.d.ts" />
import PKCS8 from "pkcs8";
import type { SecureOptions, ServerKey } from "./secure-options.ts";

class CertificateManager {
	readonly #options: SecureOptions;
	#serverKey: ServerKey | undefined;
	/** The server's key has been asked for, and nothing has been verified with it since. */
	#unsigned = true;

	constructor(options: SecureOptions) {
		this.#options = options;
	}

	/** A chain was accepted, and the key exchange was signed with its leaf's key. */
	get hasProof(): boolean {
		return this.#serverKey !== undefined && !this.#unsigned;
	}

	/** @throws what `judge` throws */
	verify(certificates: readonly Uint8Array[]): boolean {
		this.#serverKey = undefined;
		this.#unsigned = true;
		this.#serverKey = this.#options.judge(certificates);
		return true;
	}

	/** The handshake offers the server's certificate here; it is kept by `verify` already. */
	register(): void {
		if (this.#serverKey === undefined) throw new Error("out of sequence");
	}

	findPreferredCert(): readonly ArrayBuffer[] {
		return this.#options.clientCertificates;
	}

	/**
	 * Key of our own certificate, or the server's. The SDK's handshake does not verify a ServerKeyExchange whose algorithm
	 * it does not know ("anonymous" among them), so each time the server's key is handed out, a signature is owed.
	 */
	getKey(certificate: ArrayBuffer): object {
		const { clientCertificates, clientKey } = this.#options;
		if (certificate === clientCertificates[0])
			return PKCS8.parse(new Uint8Array(clientKey));
		const key = this.#serverKey;
		if (key === undefined) throw new Error("out of sequence");
		this.#unsigned = true;
		const onVerified = (): void => {
			this.#unsigned = false;
		};
		if ("pub" in key) key.pub.onVerified = onVerified;
		else key.onVerified = onVerified;
		return key;
	}
}

// biome-ignore lint/style/noDefaultExport: the SDK's session imports it so.
export default CertificateManager;
