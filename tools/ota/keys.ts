/** Keys that sign updates: P-256, the private one encrypted by a passphrase (PKCS #8, RFC 5958), the public one as a point in hex. */
import {
	createPrivateKey,
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
	sign,
	verify,
} from "node:crypto";
import { isKey, isSignature } from "../../protocol/update-manifest.ts";
import { OtaError } from "./errors.ts";

/** OpenSSL derives the key by 2,048 rounds of PBKDF2, which alone would not keep a short word. */
export const MIN_PASSPHRASE_LENGTH = 12;

const CURVE = "prime256v1";
/** IEEE P1363: r and s, 32 bytes each. */
const ENCODING = "ieee-p1363";
/** SubjectPublicKeyInfo of a point of P-256 up to the point (RFC 5480 §2). */
const SPKI_PREFIX = Buffer.from(
	"3059301306072a8648ce3d020106082a8648ce3d030107034200",
	"hex",
);

export interface NewKey {
	/** Encrypted. */
	readonly privatePem: string;
	/** 04, x, y: 130 hex digits. */
	readonly publicKey: string;
}

/** @throws OtaError weak_passphrase */
export function generateSigningKey(passphrase: string): NewKey {
	if ([...passphrase].length < MIN_PASSPHRASE_LENGTH)
		throw new OtaError(
			"weak_passphrase",
			`A passphrase has ${MIN_PASSPHRASE_LENGTH} characters or more: whoever has the file can try as long as they like.`,
		);
	const { privateKey, publicKey } = generateKeyPairSync("ec", {
		namedCurve: CURVE,
	});
	const privatePem = privateKey
		.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase })
		.toString();
	return { privatePem, publicKey: pointOf(publicKey) };
}

/** @throws OtaError wrong_passphrase, bad_key */
export function readSigningKey(pem: string, passphrase: string): KeyObject {
	if (!pem.includes("BEGIN ENCRYPTED PRIVATE KEY"))
		throw new OtaError(
			"bad_key",
			"This is no encrypted private key (PKCS #8, PEM). `thinghz ota keygen` makes one.",
		);
	let key: KeyObject;
	try {
		key = createPrivateKey({ key: pem, format: "pem", passphrase });
	} catch (cause) {
		// OpenSSL cannot always tell a wrong passphrase from a damaged file.
		throw new OtaError(
			"wrong_passphrase",
			"The key cannot be decrypted: the passphrase is wrong, or the file is damaged.",
			cause,
		);
	}
	if (key.asymmetricKeyDetails?.namedCurve !== CURVE)
		throw new OtaError("bad_key", "This is no key of the curve P-256.");
	return key;
}

/** The point of a private or public key. */
export function pointOf(key: KeyObject): string {
	const half = key.type === "private" ? createPublicKey(key) : key;
	const spki = half.export({ type: "spki", format: "der" });
	return spki.subarray(SPKI_PREFIX.length).toString("hex");
}

/** @throws OtaError bad_key when it is no point of P-256 */
export function readPublicKey(text: string): KeyObject {
	const point = text.trim();
	if (!isKey(point))
		throw new OtaError(
			"bad_key",
			"A public key is 130 lower-case hex digits that begin with 04, as `thinghz ota keygen` writes them.",
		);
	try {
		return createPublicKey({
			key: Buffer.concat([SPKI_PREFIX, Buffer.from(point, "hex")]),
			format: "der",
			type: "spki",
		});
	} catch (cause) {
		throw new OtaError(
			"bad_key",
			"This is no point of the curve P-256.",
			cause,
		);
	}
}

/** @returns 64 bytes */
export function signBytes(bytes: Uint8Array, key: KeyObject): Uint8Array {
	return new Uint8Array(sign("sha256", bytes, { key, dsaEncoding: ENCODING }));
}

export function isSignedBy(
	bytes: Uint8Array,
	signature: Uint8Array,
	key: KeyObject,
): boolean {
	return (
		isSignature(signature) &&
		verify("sha256", bytes, { key, dsaEncoding: ENCODING }, signature)
	);
}
