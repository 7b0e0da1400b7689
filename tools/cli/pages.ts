/** Lists of the API, page after page. */
import type { ApiClient } from "./api-client.ts";

/** All pages of a list. */
export async function allPages<T>(
	api: Pick<ApiClient, "get">,
	path: string,
	member: string,
): Promise<readonly T[]> {
	const rows: T[] = [];
	const joint = path.includes("?") ? "&" : "?";
	let query = "";
	for (;;) {
		const response = await api.get(`${path}${query}`);
		const page = (await response.json()) as Readonly<Record<string, unknown>>;
		rows.push(...(page[member] as readonly T[]));
		if (page.next === null) return rows;
		query = `${joint}cursor=${encodeURIComponent(String(page.next))}`;
	}
}

/** All of them. */
export async function gather<T>(rows: AsyncIterable<T>): Promise<readonly T[]> {
	const all: T[] = [];
	for await (const row of rows) all.push(row);
	return all;
}

/** The most that the API gives at once. */
export const PAGE = 500;

/** Rows of a list, as the API orders them and `limit` at most; page after page, so that no more than one is held. */
export async function* rowsOf<T>(
	api: Pick<ApiClient, "get">,
	path: string,
	member: string,
	limit: number,
	asked: Readonly<Record<string, string | undefined>> = {},
): AsyncGenerator<T> {
	const query = new URLSearchParams({ limit: "" });
	for (const [name, value] of Object.entries(asked))
		if (value !== undefined) query.set(name, value);
	for (let left = limit; left > 0; ) {
		query.set("limit", `${Math.min(left, PAGE)}`);
		const response = await api.get(`${path}?${query}`);
		const page = (await response.json()) as Readonly<Record<string, unknown>>;
		const rows = page[member] as readonly T[];
		yield* rows;
		if (page.next === null) return;
		left -= rows.length;
		query.set("cursor", String(page.next));
	}
}
