/**
 * What a text consists of, without regular expressions: in Moddable's XS 17.9 each match of a preloaded one takes memory that is
 * never given back, and a collection in its course corrupts the heap (xs/sources/xsre.c, fxAllocateRegExpData).
 * What protocol/characters.ts has, too: nothing outside this folder may be imported here.
 */

export function isDigit(code: number): boolean {
	return code >= 48 && code <= 57;
}

/**
 * @param isGood is told the code of each character, and where it stands
 * @returns whether there are `least` to `most` characters, and all are good
 */
export function consistsOf(
	text: string,
	least: number,
	most: number,
	isGood: (code: number, index: number) => boolean,
): boolean {
	if (text.length < least || text.length > most) return false;
	for (let index = 0; index < text.length; index++)
		if (!isGood(text.charCodeAt(index), index)) return false;
	return true;
}
