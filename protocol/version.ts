/** Versions of firmware: three numbers, `1.20.3`. */
import { isDigit } from "./characters.ts";

const MAX_NUMBER = 65535;

/** The three numbers, or null for what is no version. */
export function parseVersion(text: string): readonly number[] | null {
	const parts = text.split(".");
	if (parts.length !== 3) return null;
	const numbers: number[] = [];
	for (const part of parts) {
		if (part.length === 0 || part.length > 5) return null;
		for (let i = 0; i < part.length; i++)
			if (!isDigit(part.charCodeAt(i))) return null;
		const number = Number(part);
		// In one way only: a version is compared byte by byte elsewhere.
		if (number > MAX_NUMBER || `${number}` !== part) return null;
		numbers.push(number);
	}
	return numbers;
}

/**
 * Below 0 when `a` is older than `b`, 0 when it is the same, above 0 when it is newer. What is no version (of a build by hand)
 * is older than any that is.
 */
export function compareVersions(a: string, b: string): number {
	const left = parseVersion(a);
	const right = parseVersion(b);
	if (left === null || right === null)
		return Number(left !== null) - Number(right !== null);
	for (let i = 0; i < 3; i++) {
		const difference = (left[i] as number) - (right[i] as number);
		if (difference !== 0) return difference;
	}
	return 0;
}
