/**
 * The byte code in the files that Moddable's `xsc` writes: atoms, each a big-endian u32 of its whole length and four letters, inside
 * one atom "XS_B" (documentation/xs, "XS in C", and xs/tools/xslBase.c of the SDK read them).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { ModuleSize } from "./modules.ts";

const ATOM_BYTES = 8;

/** @returns bytes of byte code. @throws Error for what is no such file */
export function codeBytesOf(xsb: Uint8Array): number {
	const view = new DataView(xsb.buffer, xsb.byteOffset, xsb.byteLength);
	const kindAt = (at: number): string =>
		String.fromCharCode(...xsb.subarray(at + 4, at + ATOM_BYTES));
	if (
		xsb.length < ATOM_BYTES ||
		kindAt(0) !== "XS_B" ||
		view.getUint32(0) !== xsb.length
	)
		throw new Error("This is not a file of byte code.");
	for (let at = ATOM_BYTES; at + ATOM_BYTES <= xsb.length; ) {
		const sizeBytes = view.getUint32(at);
		if (sizeBytes < ATOM_BYTES || at + sizeBytes > xsb.length)
			throw new Error(`An atom at byte ${at} has a length that cannot be.`);
		if (kindAt(at) === "CODE") return sizeBytes - ATOM_BYTES;
		at += sizeBytes;
	}
	throw new Error("There is no byte code in this file.");
}

/**
 * All modules that were compiled for a link.
 * @param directory the link's `modules`
 * @returns paths from there, without the ending
 */
export function measureLink(directory: string): readonly ModuleSize[] {
	return readdirSync(directory, { recursive: true, encoding: "utf8" })
		.filter((name) => name.endsWith(".xsb"))
		.sort()
		.map((name) => ({
			path: relative(".", name.replaceAll("\\", "/")).replace(/\.xsb$/, ""),
			codeBytes: codeBytesOf(readFileSync(join(directory, name))),
		}));
}
