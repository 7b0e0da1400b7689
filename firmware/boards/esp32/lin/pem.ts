/** DER of the blocks of a PEM file (RFC 7468). */

const ALPHABET =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** @throws SyntaxError when there is no block, or what is in one is not base64 */
export function dersOfPem(pem: string): readonly ArrayBuffer[] {
	const ders: ArrayBuffer[] = [];
	let at = 0;
	for (;;) {
		const begin = pem.indexOf("-----BEGIN ", at);
		const start = pem.indexOf("\n", begin);
		const end = pem.indexOf("-----END ", start);
		if (begin < 0 || start < 0 || end < 0) break;
		ders.push(fromBase64(pem.slice(start, end)));
		at = end + 1;
	}
	if (ders.length === 0) throw new SyntaxError("There is no PEM block.");
	return ders;
}

/** The first block. @throws SyntaxError as `dersOfPem` */
export function derOfPem(pem: string): ArrayBuffer {
	const [first] = dersOfPem(pem);
	if (first === undefined) throw new SyntaxError("There is no PEM block.");
	return first;
}

function fromBase64(text: string): ArrayBuffer {
	const bytes: number[] = [];
	let bits = 0;
	let held = 0;
	for (const character of text) {
		if (character === "=") break;
		if (character === "\n" || character === "\r" || character === " ") continue;
		const digit = ALPHABET.indexOf(character);
		if (digit < 0) throw new SyntaxError("The PEM block is not base64.");
		held = ((held << 6) | digit) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes.push((held >> bits) & 0xff);
		}
	}
	return Uint8Array.from(bytes).buffer;
}
