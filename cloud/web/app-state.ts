/** What the whole page shares: who is signed in, which view is shown, what time it is. */
import { signal } from "@preact/signals";
import {
	ApiError,
	hasRole,
	type Role,
	signIn,
	signOut,
	type Who,
	whoIsSignedIn,
} from "./client.ts";
import { loadConfig, pageConfig } from "./config.ts";
import { leaveProvider, takeReturn } from "./hosted-sign-in.ts";

export type SignInState =
	| { readonly is: "checking" }
	| { readonly is: "in"; readonly who: Who }
	/** `message` says why a link did not work. */
	| { readonly is: "out"; readonly message: string | null }
	| { readonly is: "unreachable"; readonly message: string };

export type Route =
	| { readonly view: "devices" }
	| { readonly view: "alerts" }
	| {
			readonly view: "device";
			readonly name: string;
			readonly rangeId: string | null;
	  };

export const signInState = signal<SignInState>({ is: "checking" });
export const route = signal<Route>({ view: "devices" });
/** Ticks once a second, for "12 s ago". */
export const now = signal(Date.now());

export function deviceHref(name: string, rangeId?: string): string {
	const query = rangeId === undefined ? "" : `?range=${rangeId}`;
	return `#/devices/${encodeURIComponent(name)}${query}`;
}

export function parseRoute(hash: string): Route {
	if (hash === "#/alerts") return { view: "alerts" };
	const match = /^#\/devices\/([^/?]+)(?:\?range=(\w+))?$/.exec(hash);
	if (match === null) return { view: "devices" };
	return {
		view: "device",
		name: decodeURIComponent(match[1] ?? ""),
		rangeId: match[2] ?? null,
	};
}

/** The one-time token of a sign-in link: `/#signin=TOKEN`. */
export function signInToken(hash: string): string | null {
	return /^#signin=([\w.-]+)$/.exec(hash)?.[1] ?? null;
}

/**
 * Reads the address: what signs in is taken out of it at once, anything else is a view. Before that, once, what only the
 * deployment knows.
 */
export async function followAddress(): Promise<void> {
	try {
		await loadConfig();
	} catch (error) {
		signInState.value = { is: "unreachable", message: messageOf(error) };
		return;
	}
	const back = takeReturn();
	if (back !== null) {
		route.value = parseRoute(location.hash);
		if (back.is === "code") await enter(back.proof);
		else signInState.value = { is: "out", message: back.message };
		return;
	}
	const token = signInToken(location.hash);
	if (token === null) {
		route.value = parseRoute(location.hash);
		if (signInState.value.is === "checking") await checkSession();
		return;
	}
	history.replaceState(null, "", location.pathname);
	route.value = { view: "devices" };
	await enter({ token });
}

async function enter(proof: Parameters<typeof signIn>[0]): Promise<void> {
	signInState.value = { is: "checking" };
	try {
		signInState.value = stateOf(await signIn(proof));
	} catch (error) {
		signInState.value =
			error instanceof ApiError && error.status === 401
				? { is: "out", message: error.message }
				: { is: "unreachable", message: messageOf(error) };
	}
}

function stateOf(who: Who | null): SignInState {
	return who === null ? { is: "out", message: null } : { is: "in", who };
}

/** Whether to show what needs a role. The API decides; this keeps from view what it would refuse. */
export function mayDo(role: Role): boolean {
	const state = signInState.value;
	return state.is === "in" && hasRole(state.who, role);
}

export async function checkSession(): Promise<void> {
	signInState.value = { is: "checking" };
	try {
		await loadConfig();
		signInState.value = stateOf(await whoIsSignedIn());
	} catch (error) {
		signInState.value = { is: "unreachable", message: messageOf(error) };
	}
}

/** @param forget what else of the person this browser is to forget */
export async function leave(forget: () => Promise<void>): Promise<void> {
	// Takes the views away first, so that none of them still asks for something afterwards.
	signInState.value = { is: "checking" };
	try {
		await forget();
		await signOut();
		const { hosted } = pageConfig();
		if (hosted === null) signedOut();
		else leaveProvider(hosted);
	} catch (error) {
		signInState.value = { is: "unreachable", message: messageOf(error) };
	}
}

export function signedOut(): void {
	signInState.value = { is: "out", message: null };
}

/** The sentence to show for an error; an API that no longer knows us ends the session here too. */
export function messageOf(error: unknown): string {
	if (error instanceof ApiError && error.status === 401) signedOut();
	return error instanceof Error ? error.message : String(error);
}
