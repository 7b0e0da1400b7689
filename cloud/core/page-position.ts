import { InvalidQuery } from "./errors.ts";

/** Where the next page begins: at a time, after so many things of that same time. */
export interface PagePosition {
	readonly timeMs: number;
	readonly skip: number;
}

/** @throws InvalidQuery "bad_cursor" */
export function parsePosition(cursor: string): PagePosition {
	const match = /^(-?\d{1,16})\.(\d{1,9})$/.exec(cursor);
	if (match === null) {
		throw new InvalidQuery(
			"bad_cursor",
			"The cursor is none that a page of this query ended with.",
		);
	}
	return { timeMs: Number(match[1]), skip: Number(match[2]) };
}

export function formatPosition({ timeMs, skip }: PagePosition): string {
	return `${timeMs}.${skip}`;
}
