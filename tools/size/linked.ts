/** What Moddable's linker (`xsl`) has put into its `mc.xs.c`, which is compiled into the flash of a device. */

export interface Linked {
	/** Byte code of functions, those of preloaded modules among them. */
	readonly functionBytes: number;
	/** Byte code of modules that are not preloaded. */
	readonly moduleBytes: number;
	/** Slots that are made ahead and lie in flash: the engine's own objects, and what preloaded modules have made. */
	readonly slots: number;
	/** Objects and variables of those that may still change: each takes a pointer in RAM. */
	readonly aliases: number;
}

const FUNCTION =
	/\.kind = XS_CODE_X_KIND\}, \.value = \{ \.code = \{ \(txByte\*\)((?:\s*"(?:[^"\\]|\\.)*")+)/g;
const MODULE = /^static const txU1 gxCode\d+\[(\d+)\] = /gm;

/** @throws Error when the text is no output of the linker */
export function readLinked(mcXs: string): Linked {
	let functionBytes = 0;
	for (const [, literals] of mcXs.matchAll(FUNCTION))
		functionBytes += literalBytes(literals ?? "");
	let moduleBytes = 0;
	for (const [, size] of mcXs.matchAll(MODULE)) moduleBytes += Number(size);
	return {
		functionBytes,
		moduleBytes,
		slots: defined(mcXs, "mxHeapCount"),
		aliases: defined(mcXs, "mxAliasCount"),
	};
}

function defined(mcXs: string, name: string): number {
	const pattern = new RegExp(`^#define ${name} (\\d+)$`, "m");
	const [, value] = pattern.exec(mcXs) ?? [];
	if (value === undefined)
		throw new Error(`The linker's output does not define ${name}.`);
	return Number(value);
}

/** Length of string literals of C (ISO 9899, 6.4.5) one after the other, without the closing zero. */
export function literalBytes(literals: string): number {
	let bytes = 0;
	for (const [, text] of literals.matchAll(/"((?:[^"\\]|\\.)*)"/g))
		bytes += (text?.match(/\\x[0-9A-Fa-f]+|\\[0-7]{1,3}|\\.|[^\\]/g) ?? [])
			.length;
	return bytes;
}
