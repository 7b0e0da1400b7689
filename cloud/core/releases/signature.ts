/** Hashes and signatures of updates, with what every runtime has (Web Cryptography API). */
import { isKey, isSignature } from "../../../protocol/update-manifest.ts";

export async function sha256Hex(
	bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
	return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

export function hexOf(bytes: Uint8Array): string {
	return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether text is a point of P-256 as `thinghz ota keygen` writes it. */
export async function isPublicKey(text: string): Promise<boolean> {
	return (await importKey(text)) !== null;
}

/** @param key 130 hex digits; what is none has signed nothing */
export async function isSignedBy(
	bytes: Uint8Array<ArrayBuffer>,
	signature: Uint8Array<ArrayBuffer>,
	key: string,
): Promise<boolean> {
	const imported = await importKey(key);
	if (imported === null || !isSignature(signature)) return false;
	return crypto.subtle.verify(
		{ name: "ECDSA", hash: "SHA-256" },
		imported,
		signature,
		bytes,
	);
}

type PublicKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

async function importKey(text: string): Promise<PublicKey | null> {
	if (!isKey(text)) return null;
	const point = Uint8Array.from({ length: text.length / 2 }, (_, at) =>
		Number.parseInt(text.slice(2 * at, 2 * at + 2), 16),
	);
	try {
		return await crypto.subtle.importKey(
			"raw",
			point,
			{ name: "ECDSA", namedCurve: "P-256" },
			false,
			["verify"],
		);
	} catch (error) {
		// "DataError": no point of the curve.
		if ((error as Error).name === "DataError") return null;
		throw error;
	}
}
