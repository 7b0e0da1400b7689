/** Base64 (RFC 4648 section 4) with what every runtime has. */

export function toBase64(bytes: Uint8Array): string {
	let binary = "";
	const chunkBytes = 0x8000;
	for (let start = 0; start < bytes.length; start += chunkBytes) {
		binary += String.fromCharCode(...bytes.subarray(start, start + chunkBytes));
	}
	return btoa(binary);
}

/** @returns null for what is not base64 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
	if (
		!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(
			text,
		)
	) {
		return null;
	}
	const binary = atob(text);
	const bytes = new Uint8Array(binary.length);
	for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
	return bytes;
}
