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
