/**
 * Sign-in at the identity provider's page. What was begun is kept in the tab's storage; the code goes to our API, which
 * exchanges it, so no script ever holds a token.
 */
import {
	authorizeUrl,
	type Begun,
	type Return,
	randomText,
	readReturn,
} from "./authorization-code.ts";
import type { HostedSignIn } from "./page-config.ts";

const KEY = "thinghz.sign-in";

/** Leaves for the provider's page. */
export async function beginSignIn(hosted: HostedSignIn): Promise<void> {
	const begun: Begun = {
		state: randomText(16),
		codeVerifier: randomText(32),
		hash: location.hash,
	};
	sessionStorage.setItem(KEY, JSON.stringify(begun));
	location.assign(await authorizeUrl(hosted, begun, pageAddress()));
}

/** Ends the provider's own session, too, and comes back: else "Sign in" would ask for no password. */
export function leaveProvider({ signInUrl, clientId }: HostedSignIn): void {
	const query = new URLSearchParams({
		client_id: clientId,
		logout_uri: pageAddress(),
	});
	location.assign(`${signInUrl}/logout?${query}`);
}

/** What is begun is good for one return. Null where the address has none. */
export function takeReturn(): Return | null {
	const back = readReturn(
		location.search,
		sessionStorage.getItem(KEY),
		pageAddress(),
	);
	if (back === null) return null;
	sessionStorage.removeItem(KEY);
	const hash = back.is === "code" ? back.hash : "";
	history.replaceState(null, "", location.pathname + hash);
	return back;
}

/** As the provider knows it. */
function pageAddress(): string {
	return `${location.origin}/`;
}
