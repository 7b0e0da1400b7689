/** The HTTP API as the page uses it. The session is a cookie, so nothing here holds a token. */

import type { SignInCode } from "./authorization-code.ts";
import { pageConfig } from "./config.ts";
import { type PlacedBlock, readFrames } from "./framing.ts";

export interface ChannelInfo {
	readonly id: string;
	readonly unit: string;
	readonly kind: "gauge" | "counter";
	/** Smallest step between two values. */
	readonly resolution: number;
}

export interface DeviceInfo {
	readonly name: string;
	readonly online: boolean;
	/** ISO-8601; null when it was never there. */
	readonly lastSeen: string | null;
	readonly board: string | null;
	readonly firmware: string | null;
	readonly channels: readonly ChannelInfo[];
	readonly configRefused: string | null;
}

export type Column = readonly (number | null)[];

export interface Aggregate {
	readonly everyMs: number;
	readonly bucketsMs: readonly number[];
	readonly channels: Readonly<
		Record<
			string,
			{
				readonly count: Column;
				readonly mean: Column;
				readonly min: Column;
				readonly max: Column;
				readonly sum: Column;
			}
		>
	>;
}

/** The API refused, or could not be reached (status 0). */
export class ApiError extends Error {
	override readonly name = "ApiError";
	readonly status: number;

	constructor(status: number, message: string, options?: ErrorOptions) {
		super(message, options);
		this.status = status;
	}
}

const BLOCKS_A_PAGE = 1000;
const SESSION = "/v1/session";

/**
 * A session that has expired is gone on with, once, where that can be done.
 * @throws ApiError with the sentence of the problem, for any answer that is no success
 */
export async function request(
	path: string,
	init: RequestInit,
): Promise<Response> {
	const response = await send(path, init);
	if (response.status === 401 && path !== SESSION && (await renew()) !== null) {
		return orRefusal(await send(path, init));
	}
	return orRefusal(response);
}

async function send(path: string, init: RequestInit): Promise<Response> {
	try {
		return await fetch(path, { credentials: "same-origin", ...init });
	} catch (cause) {
		if (init.signal?.aborted) throw cause;
		throw new ApiError(0, "The cloud cannot be reached.", { cause });
	}
}

/** @throws ApiError */
async function orRefusal(response: Response): Promise<Response> {
	if (response.ok) return response;
	throw new ApiError(response.status, await problemDetail(response));
}

let renewing: Promise<Who | null> | null = null;

/** Goes on with a session, for all who ask at the same time. @returns null where there is none to go on with */
function renew(): Promise<Who | null> {
	renewing ??= renewSession().finally(() => {
		renewing = null;
	});
	return renewing;
}

async function renewSession(): Promise<Who | null> {
	// Who was never here has nothing to go on with; asking all the same would be an error in the browser's log.
	if (pageConfig().hosted === null || !wasSignedIn()) return null;
	const response = await send(SESSION, { method: "PUT" });
	if (response.status === 401) {
		rememberSignedIn(false);
		return null;
	}
	return whoOf((await (await orRefusal(response)).json()) as SessionDocument);
}

const SIGNED_IN_KEY = "thinghz.signed-in";

function wasSignedIn(): boolean {
	return localStorage.getItem(SIGNED_IN_KEY) !== null;
}

function rememberSignedIn(isSignedIn: boolean): void {
	if (isSignedIn) localStorage.setItem(SIGNED_IN_KEY, "1");
	else localStorage.removeItem(SIGNED_IN_KEY);
}

/** The sentence of an RFC 9457 problem, or the status where there is none. */
async function problemDetail(response: Response): Promise<string> {
	const fallback = `The cloud answered ${response.status}.`;
	const type = response.headers.get("content-type") ?? "";
	if (!type.startsWith("application/problem+json")) return fallback;
	const problem: { detail?: string } = await response.json();
	return problem.detail ?? fallback;
}

export async function getJson<T>(
	path: string,
	signal?: AbortSignal,
): Promise<T> {
	const response = await request(path, signal ? { signal } : {});
	return (await response.json()) as T;
}

/** From the most powerful down. */
const ROLES = ["admin", "operator", "viewer"] as const;
export type Role = (typeof ROLES)[number];

/** Who is signed in. */
export interface Who {
	readonly name: string;
	readonly role: Role;
}

/** Whether somebody has a role or a more powerful one. */
export function hasRole(who: Pick<Who, "role">, role: Role): boolean {
	return ROLES.indexOf(who.role) <= ROLES.indexOf(role);
}

type SessionDocument =
	| ({ readonly signedIn: true } & Who)
	| { readonly signedIn: false };

function whoOf(session: SessionDocument): Who | null {
	return session.signedIn ? { name: session.name, role: session.role } : null;
}

/** Null for nobody. */
export async function whoIsSignedIn(): Promise<Who | null> {
	return whoOf(await getJson<SessionDocument>(SESSION)) ?? renew();
}

/**
 * By the token of a link, or what the identity provider's page sent the browser back with.
 * @throws ApiError 401 when it has been used or has expired
 */
export async function signIn(
	proof: { readonly token: string } | SignInCode,
): Promise<Who | null> {
	const response = await request(SESSION, {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify(proof),
	});
	if (pageConfig().hosted !== null) rememberSignedIn(true);
	return whoOf((await response.json()) as SessionDocument);
}

export async function signOut(): Promise<void> {
	rememberSignedIn(false);
	await request(SESSION, { method: "DELETE" });
}

export async function listDevices(
	signal?: AbortSignal,
): Promise<readonly DeviceInfo[]> {
	const devices: DeviceInfo[] = [];
	let query = "";
	for (;;) {
		const page = await getJson<{ devices: DeviceInfo[]; next: string | null }>(
			`/v1/devices${query}`,
			signal,
		);
		devices.push(...page.devices);
		if (page.next === null) return devices;
		query = `?cursor=${encodeURIComponent(page.next)}`;
	}
}

export function getDevice(name: string): Promise<DeviceInfo> {
	return getJson(`/v1/devices/${encodeURIComponent(name)}`);
}

/** All blocks that share time with the range, page by page. */
export async function getBlocks(
	name: string,
	fromMs: number,
	toMs: number,
	signal?: AbortSignal,
): Promise<readonly PlacedBlock[]> {
	const query = new URLSearchParams({
		from: new Date(fromMs).toISOString(),
		to: new Date(toMs).toISOString(),
		limit: String(BLOCKS_A_PAGE),
	});
	const blocks: PlacedBlock[] = [];
	for (;;) {
		const response = await request(
			`/v1/devices/${encodeURIComponent(name)}/blocks?${query}`,
			signal ? { signal } : {},
		);
		for (const block of readFrames(
			new Uint8Array(await response.arrayBuffer()),
		)) {
			blocks.push(block);
		}
		const next = response.headers.get("Thinghz-Next");
		if (next === null) return blocks;
		query.set("cursor", next);
	}
}

/** Of all channels: a query names 16 at most, and a node with its health has more. */
export function getAggregate(
	name: string,
	fromMs: number,
	toMs: number,
	every: string,
	signal?: AbortSignal,
): Promise<Aggregate> {
	const query = new URLSearchParams({
		from: new Date(fromMs).toISOString(),
		to: new Date(toMs).toISOString(),
		every,
	});
	return getJson(
		`/v1/devices/${encodeURIComponent(name)}/aggregate?${query}`,
		signal,
	);
}
