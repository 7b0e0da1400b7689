/** What the page's configuration says: `/config.json`, which only a deployment writes, and which is not there on one machine. */

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
