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

/** Reckoned first, and then written: a list of numbers would take sixteen times as much of a node's heap. */
function fromBase64(text: string): ArrayBuffer {
	let digits = 0;
	for (let at = 0; at < text.length; at++) {
		const digit = digitAt(text, at);
		if (digit === END) break;
		if (digit !== BLANK) digits++;
	}
	const bytes = new Uint8Array((digits * 6) >> 3);
	let bits = 0;
	let held = 0;
	let filled = 0;
	for (let at = 0; digits > 0; at++) {
		const digit = digitAt(text, at);
		if (digit === BLANK) continue;
		digits--;
		held = ((held << 6) | digit) & 0xffff;
		bits += 6;
		if (bits < 8) continue;
		bits -= 8;
		bytes[filled++] = (held >> bits) & 0xff;
	}
	return bytes.buffer;
}

const BLANK = -1;
const END = -2;

/** @throws SyntaxError when it is none of base64 */
function digitAt(text: string, at: number): number {
	const character = text.charAt(at);
	if (character === "=") return END;
	if (character === "\n" || character === "\r" || character === " ")
		return BLANK;
	const digit = ALPHABET.indexOf(character);
	if (digit < 0) throw new SyntaxError("The PEM block is not base64.");
	return digit;
}
