/** With which key the board's connections are made: the provisioned one, or one that the cloud has given the node since. */
import type { KeyPair, KeySwitch } from "../../node/ports.ts";
import { checkCredentials } from "./credentials.ts";
import type { CheckedCredentials } from "./identity-of-thing.ts";
import { derOfPem } from "./pem.ts";

/** AlgorithmIdentifier of rsaEncryption, behind the version 0 (RFC 5958, section 2; RFC 8017, appendix A.1). */
const PKCS8_HEAD = [
	0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	0x01, 0x01, 0x01, 0x05, 0x00,
] as const;
/** Tag and length of what is shorter than 64 KB and, with any RSA key that serves, longer than 255 bytes. */
const LONG_HEAD_BYTES = 4;

export class CredentialSwitch implements KeySwitch {
	/** What the next connection is made with. */
	current: CheckedCredentials;
	readonly #provisioned: () => CheckedCredentials;

	/** @param provisioned reads them anew each time, so that those not in use take no room */
	constructor(provisioned: () => CheckedCredentials) {
		this.#provisioned = provisioned;
		this.current = provisioned();
	}

	/** @throws IdentityError, SyntaxError */
	use(pair: KeyPair | null): void {
		if (pair === null) {
			this.current = this.#provisioned();
			return;
		}
		const { authorities } = this.current;
		this.current = checkCredentials({
			certificate: derOfPem(pair.certificatePem),
			key: keyOf(pair.privateKeyPem),
			authorities,
		});
	}
}

/** AWS IoT gives PKCS #1 out, our own cloud PKCS #8: TLS takes the latter. */
function keyOf(pem: string): ArrayBuffer {
	const der = derOfPem(pem);
	return pem.startsWith("-----BEGIN RSA PRIVATE KEY-----")
		? pkcs8Of(new Uint8Array(der))
		: der;
}

function pkcs8Of(pkcs1: Uint8Array): ArrayBuffer {
	const inner = PKCS8_HEAD.length + LONG_HEAD_BYTES + pkcs1.length;
	const bytes = new Uint8Array(LONG_HEAD_BYTES + inner);
	let at = writeHead(bytes, 0, 0x30, inner);
	bytes.set(PKCS8_HEAD, at);
	at += PKCS8_HEAD.length;
	at = writeHead(bytes, at, 0x04, pkcs1.length);
	bytes.set(pkcs1, at);
	return bytes.buffer;
}

function writeHead(
	into: Uint8Array,
	at: number,
	tag: number,
	length: number,
): number {
	into[at] = tag;
	into[at + 1] = 0x82;
	into[at + 2] = length >> 8;
	into[at + 3] = length & 0xff;
	return at + LONG_HEAD_BYTES;
}
