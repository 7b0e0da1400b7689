/** What a data folder signs with when it notifies: webhooks, and requests to push services. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import webPush from "web-push";
import { keepPrivateFile } from "./private-file.ts";

export const WEBHOOK_SECRET_FILE = "webhook-secret";
export const PUSH_KEYS_FILE = "push-keys.json";

const MIN_SECRET_LENGTH = 32;

/** RFC 8292: a pair of keys on P-256, base64url. */
export interface PushKeys {
	/** An uncompressed point, 65 bytes: what browsers subscribe with. */
	readonly publicKey: string;
	/** 32 bytes. */
	readonly privateKey: string;
}

/** A file of a secret does not hold one. */
export class NotifySecretError extends Error {
	override readonly name = "NotifySecretError";
	readonly code = "secret_damaged";
}

/** 43 characters of base64url, to be given to the receivers as they are. @throws NotifySecretError */
export function loadWebhookSecret(dir: string): string {
	const path = join(dir, WEBHOOK_SECRET_FILE);
	const secret = keepPrivateFile(path, () =>
		randomBytes(32).toString("base64url"),
	).trim();
	if (secret.length >= MIN_SECRET_LENGTH) return secret;
	throw new NotifySecretError(
		`${path} is damaged: a secret has at least ${MIN_SECRET_LENGTH} characters. Delete it to get a new one; receivers of webhooks then need it, too.`,
	);
}

/** @throws NotifySecretError */
export function loadPushKeys(dir: string): PushKeys {
	const path = join(dir, PUSH_KEYS_FILE);
	const text = keepPrivateFile(path, () =>
		JSON.stringify(webPush.generateVAPIDKeys()),
	);
	const keys = parsePushKeys(text);
	if (keys !== null) return keys;
	throw new NotifySecretError(
		`${path} is damaged: it does not hold a pair of keys. Delete it to get new ones; everybody then subscribes again.`,
	);
}

function parsePushKeys(text: string): PushKeys | null {
	let keys: Partial<PushKeys>;
	try {
		keys = JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return null;
		throw error;
	}
	const { publicKey, privateKey } = keys ?? {};
	if (typeof publicKey !== "string" || typeof privateKey !== "string") {
		return null;
	}
	const isPair =
		Buffer.from(publicKey, "base64url").length === 65 &&
		Buffer.from(privateKey, "base64url").length === 32;
	return isPair ? { publicKey, privateKey } : null;
}
