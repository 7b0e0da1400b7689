/**
 * Keys that sign updates and never leave AWS KMS: https://docs.aws.amazon.com/kms/latest/developerguide/symmetric-asymmetric.html.
 * What KMS signs is checked here before anybody is given it.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import {
	CreateAliasCommand,
	CreateKeyCommand,
	GetPublicKeyCommand,
	KMSClient,
	SignCommand,
} from "@aws-sdk/client-kms";
import { SIGNATURE_BYTES } from "../../protocol/update-manifest.ts";
import { OtaError } from "./errors.ts";
import { isSignedBy, pointOf } from "./keys.ts";

export interface KmsKey {
	readonly arn: string;
	/** 130 hex digits. */
	readonly publicKey: string;
}

/** For the credentials and region that AWS's own tools would find. */
export function openKms(): KMSClient {
	return new KMSClient({});
}

/**
 * Makes a key of P-256 that signs and does nothing else.
 * @param alias "alias/…"
 * @throws OtaError kms
 */
export async function createKmsKey(
	client: KMSClient,
	alias: string | undefined,
): Promise<KmsKey> {
	const { KeyMetadata } = await asked("make the key", () =>
		client.send(
			new CreateKeyCommand({
				KeySpec: "ECC_NIST_P256",
				KeyUsage: "SIGN_VERIFY",
				Description: "Signs updates of thinghz nodes",
			}),
		),
	);
	const arn = KeyMetadata?.Arn ?? "";
	if (alias !== undefined) {
		await asked(`name the key ${arn}`, () =>
			client.send(
				new CreateAliasCommand({ AliasName: alias, TargetKeyId: arn }),
			),
		);
	}
	return { arn, publicKey: pointOf(await readKmsKey(client, arn)) };
}

/** The public half. @param keyId ARN, id, or "alias/…" @throws OtaError kms, bad_key */
export async function readKmsKey(
	client: KMSClient,
	keyId: string,
): Promise<KeyObject> {
	const { PublicKey, KeySpec, KeyUsage } = await asked("tell the key", () =>
		client.send(new GetPublicKeyCommand({ KeyId: keyId })),
	);
	if (KeySpec !== "ECC_NIST_P256" || KeyUsage !== "SIGN_VERIFY") {
		throw new OtaError(
			"bad_key",
			`${keyId} is a key ${KeySpec} for ${KeyUsage}: updates are signed by one of ECC_NIST_P256 for SIGN_VERIFY. \`thinghz ota keygen --kms\` makes one.`,
		);
	}
	return createPublicKey({
		key: Buffer.from(PublicKey ?? []),
		format: "der",
		type: "spki",
	});
}

/** @param bytes 4,096 at most, as a manifest has @returns r and s, 64 bytes @throws OtaError kms, signature_wrong */
export async function signByKms(
	client: KMSClient,
	keyId: string,
	key: KeyObject,
	bytes: Uint8Array,
): Promise<Uint8Array> {
	const { Signature } = await asked("sign", () =>
		client.send(
			new SignCommand({
				KeyId: keyId,
				Message: bytes,
				MessageType: "RAW",
				SigningAlgorithm: "ECDSA_SHA_256",
			}),
		),
	);
	const signature = fromDer(Signature ?? new Uint8Array(0));
	if (signature !== null && isSignedBy(bytes, signature, key)) return signature;
	throw new OtaError(
		"signature_wrong",
		`What ${keyId} has signed does not verify by its public key.`,
	);
}

/**
 * ECDSA-Sig-Value of RFC 3279 §2.2.3, a sequence of two integers, which KMS gives.
 * @returns r and s, 32 bytes each; null for what is none
 */
export function fromDer(der: Uint8Array): Uint8Array | null {
	const half = SIGNATURE_BYTES / 2;
	const signature = new Uint8Array(SIGNATURE_BYTES);
	if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
	let at = 2;
	for (const part of [0, half]) {
		const length = der[at + 1] ?? 0;
		const value = der.subarray(at + 2, at + 2 + length);
		if (der[at] !== 0x02 || length === 0 || value.length !== length)
			return null;
		// A number whose first bit is set has a zero before it.
		const digits = value[0] === 0 ? value.subarray(1) : value;
		if (digits.length > half) return null;
		signature.set(digits, part + half - digits.length);
		at += 2 + length;
	}
	return at === der.length ? signature : null;
}

async function asked<T>(what: string, ask: () => Promise<T>): Promise<T> {
	try {
		return await ask();
	} catch (cause) {
		const { name, message } = cause as Error;
		throw new OtaError(
			"kms",
			`AWS KMS did not ${what}: ${name}: ${message}`,
			cause,
		);
	}
}
