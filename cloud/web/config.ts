/** The page's configuration as it was loaded: what only the deployment knows of where the page runs. */
import { LOCAL, type PageConfig, readConfig } from "./page-config.ts";

let current: PageConfig | null = null;

/** As it was loaded. */
export function pageConfig(): PageConfig {
	return current ?? LOCAL;
}

/** Once; a failure is none of the page's, and tried again the next time. @throws Error when it cannot be had */
export async function loadConfig(): Promise<PageConfig> {
	if (current !== null) return current;
	const response = await fetch("/config.json", { cache: "no-cache" });
	if (!response.ok && response.status !== 404) {
		throw new Error("The page's configuration cannot be read now.");
	}
	current = response.ok ? readConfig(await response.json()) : LOCAL;
	return current;
}
