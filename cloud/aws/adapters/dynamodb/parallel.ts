/** Requests of one call that are under way at once: the SDK's agent has 50 connections, and others need some. */
const AT_ONCE = 32;

/**
 * Does something with each, several at a time, all of them whatever fails.
 * @throws the error of the first in order that failed, once none is under way any more
 */
export async function inParallel<In, Out>(
	all: readonly In[],
	work: (one: In) => Promise<Out>,
): Promise<readonly Out[]> {
	const results: Out[] = new Array(all.length);
	const errors = new Map<number, unknown>();
	let next = 0;
	async function lane(): Promise<void> {
		while (next < all.length) {
			const at = next++;
			try {
				results[at] = await work(all[at] as In);
			} catch (error) {
				errors.set(at, error);
			}
		}
	}
	await Promise.all(
		Array.from({ length: Math.min(AT_ONCE, all.length) }, lane),
	);
	if (errors.size > 0) throw errors.get(Math.min(...errors.keys()));
	return results;
}
