/** What only the deployment knows of where the page runs: `/config.json`, which says nothing on one machine. */

export interface PageConfig {
	/** Where people sign in; null where they come by links. */
	readonly hosted: HostedSignIn | null;
	/** Whether news are sent, or have to be asked for. */
	readonly live: "stream" | "poll";
}

export interface HostedSignIn {
	/** Address of the identity provider's pages, without a slash at the end. */
	readonly signInUrl: string;
	readonly clientId: string;
}

export const LOCAL: PageConfig = { hosted: null, live: "stream" };

/** What the file says; anything that is not understood counts as not said. */
export function readConfig(document: unknown): PageConfig {
	const { signInUrl, clientId, live } = (document ?? {}) as Partial<
		Record<string, unknown>
	>;
	const hosted =
		typeof signInUrl === "string" &&
		/^https?:\/\//.test(signInUrl) &&
		typeof clientId === "string"
			? { signInUrl: signInUrl.replace(/\/$/, ""), clientId }
			: null;
	return { hosted, live: live === "poll" ? "poll" : "stream" };
}

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
