/** Base64 (RFC 4648 section 4) with what every runtime has. */
export function toBase64(bytes: Uint8Array): string {
	let binary = "";
	const chunkBytes = 0x8000;
	for (let start = 0; start < bytes.length; start += chunkBytes) {
		binary += String.fromCharCode(...bytes.subarray(start, start + chunkBytes));
	}
	return btoa(binary);
}
