/** Whether a node takes an update at all: what is judged of a signed manifest before anything is fetched. */
import {
	isKey,
	isSignature,
	ManifestError,
	parseManifest,
	type UpdateManifest,
} from "../../protocol/update-manifest.ts";
import { compareVersions } from "../../protocol/version.ts";
import type {
	RunningFirmware,
	UpdateCrypto,
	UpdateReason,
} from "./update-ports.ts";

/** What runs, and what it trusts: `securityVersion` is the highest that was confirmed here, and `key` the one that counts now. */
export interface Running extends RunningFirmware {
	/** How much an image may have. */
	readonly slotBytes: number;
}

export type ManifestVerdict =
	| { readonly ok: UpdateManifest; readonly sha256: string }
	| { readonly refused: UpdateReason };

/** The signature comes first: nothing of bytes that nobody has signed is looked at. */
export function judgeManifest(
	bytes: Uint8Array,
	signature: Uint8Array,
	running: Running,
	crypto: UpdateCrypto,
): ManifestVerdict {
	if (!isSignature(signature)) return { refused: "signature_malformed" };
	const hasher = crypto.sha256();
	hasher.update(bytes);
	const hash = hasher.digest();
	if (!crypto.verifyP256(bytesOfHex(running.key), hash, signature))
		return { refused: "signature_wrong" };
	let manifest: UpdateManifest;
	try {
		manifest = parseManifest(bytes);
	} catch (error) {
		if (!(error instanceof ManifestError)) throw error;
		return { refused: error.code };
	}
	const refused = refusalOf(manifest, running);
	return refused === null ? { ok: manifest, sha256: hexOf(hash) } : { refused };
}

function refusalOf(
	manifest: UpdateManifest,
	running: Running,
): UpdateReason | null {
	if (manifest.project !== running.project) return "wrong_project";
	if (manifest.board !== running.board) return "wrong_board";
	if (manifest.securityVersion < running.securityVersion)
		return "lower_security_version";
	if (compareVersions(manifest.version, running.version) < 0)
		return "lower_version";
	if (manifest.sizeBytes > running.slotBytes) return "image_too_large";
	return null;
}

const DIGITS = "0123456789abcdef";

export function hexOf(bytes: Uint8Array): string {
	let text = "";
	for (const byte of bytes)
		text += DIGITS.charAt(byte >> 4) + DIGITS.charAt(byte & 15);
	return text;
}

/** Of lower-case hex, which has been looked at. */
export function bytesOfHex(text: string): Uint8Array {
	const bytes = new Uint8Array(text.length / 2);
	for (let i = 0; i < bytes.length; i++)
		bytes[i] =
			DIGITS.indexOf(text.charAt(2 * i)) * 16 +
			DIGITS.indexOf(text.charAt(2 * i + 1));
	return bytes;
}

/** Settings key: the public key that signs updates, since an update has changed it. */
export const KEY_KEY = "updateKey";
/** Settings key: the highest security version that was confirmed. */
export const SECURITY_KEY = "updateSec";

/** As much of a node's settings as updates use: what they return is why something could not be done, or null. */
export interface UpdateSettings {
	get(key: string): string | undefined;
	set(key: string, value: string): string | null;
	delete(key: string): string | null;
}

/** What is trusted now: the firmware's own, but for what updates have changed. */
export function trustedBy(
	settings: UpdateSettings,
	built: Pick<RunningFirmware, "key" | "securityVersion">,
): Pick<RunningFirmware, "key" | "securityVersion"> {
	const key = settings.get(KEY_KEY);
	const stored = Number(settings.get(SECURITY_KEY) ?? 0);
	return {
		key: isKey(key) ? key : built.key,
		securityVersion: Number.isInteger(stored)
			? Math.max(built.securityVersion, stored)
			: built.securityVersion,
	};
}
