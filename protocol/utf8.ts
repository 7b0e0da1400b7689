/** UTF-8 (RFC 3629), since the engine of a node has neither TextEncoder nor TextDecoder. */

/** The bytes of `text`, or null when it has a lone surrogate. */
export function encodeUtf8(text: string): number[] | null {
	const bytes: number[] = [];
	for (const character of text) {
		const code = character.codePointAt(0) ?? 0;
		if (code >= 0xd800 && code <= 0xdfff) return null;
		if (code < 0x80) bytes.push(code);
		else {
			const tails = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
			const lead = (0xff00 >> (tails + 1)) & 0xff;
			bytes.push(lead | (code >> (6 * tails)));
			for (let tail = tails - 1; tail >= 0; tail--)
				bytes.push(0x80 | ((code >> (6 * tail)) & 0x3f));
		}
	}
	return bytes;
}

/** Each addition copies the text so far: of a long one, pieces of this length are added, each put together by itself. */
const PIECE_CHARACTERS = 256;

/** The text of `bytes[start … end)`, or null when it is not well-formed. */
export function decodeUtf8(
	bytes: Uint8Array,
	start: number,
	end: number,
): string | null {
	let before = "";
	let text = "";
	let at = start;
	while (at < end) {
		if (text.length >= PIECE_CHARACTERS) {
			before += text;
			text = "";
		}
		const lead = bytes[at++] as number;
		if (lead < 0x80) {
			text += String.fromCharCode(lead);
			continue;
		}
		const tails =
			lead >= 0xc2 && lead < 0xe0
				? 1
				: lead >= 0xe0 && lead < 0xf0
					? 2
					: lead >= 0xf0 && lead < 0xf5
						? 3
						: 0;
		if (tails === 0 || at + tails > end) return null;
		let code = lead & (0x3f >> tails);
		for (let tail = 0; tail < tails; tail++) {
			const next = bytes[at++] as number;
			if ((next & 0xc0) !== 0x80) return null;
			code = (code << 6) | (next & 0x3f);
		}
		// Overlong forms, surrogates and what lies beyond Unicode (RFC 3629, section 4).
		if (tails === 2 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)))
			return null;
		if (tails === 3 && (code < 0x10000 || code > 0x10ffff)) return null;
		text += String.fromCodePoint(code);
	}
	return before + text;
}
