/** The API of a command's target, for as long as the command works with it. */
import { type ApiClient, openApi } from "./api-client.ts";
import type { CommonOptions } from "./common.ts";
import { parseAnyTarget } from "./target.ts";

/** @throws UsageError, CommandError; whatever `work` throws, once the API is closed */
export async function usingApi<T>(
	{ target }: CommonOptions,
	work: (api: ApiClient) => Promise<T>,
): Promise<T> {
	const api = await openApi(parseAnyTarget(target));
	try {
		return await work(api);
	} finally {
		await api.close();
	}
}
