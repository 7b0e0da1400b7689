/** Where people look at a device: the address of its view on the page. See `parseRoute` in cloud/web/app-state.ts. */

/** @param page address of the page, without a slash at the end; null when nobody knows it */
export function deviceLink(page: string | null, device: string): string | null {
	return page === null
		? null
		: `${page}/#/devices/${encodeURIComponent(device)}`;
}
