/**
 * Which nodes may become things by themselves. A node that leaves a factory has a claim certificate, which many share and
 * anybody may take out of one of them: what it claims to be has to have been allowed, and can be claimed once.
 */
import { CLAIM_CLIENT_PREFIX } from "../../protocol/provisioning.ts";
import { isThingName } from "../../protocol/topics.ts";
import type { DeviceStore } from "./ports.ts";

/** AWS IoT's, in bytes of UTF-8: https://docs.aws.amazon.com/general/latest/gr/iot-core.html, "Client ID size". */
const MAX_CLIENT_ID_BYTES = 128;

/**
 * Of a name that may be claimed: the node connects by the prefix and the name until it is the thing. Shorter than what a thing may have
 * for its name, on both clouds, so that what is allowed on one can be on the other.
 */
export const MAX_CLAIM_NAME_LENGTH =
	MAX_CLIENT_ID_BYTES - CLAIM_CLIENT_PREFIX.length;

/** Whether a node can become the thing of that name by itself. */
export function isClaimName(name: string): boolean {
	return isThingName(name) && name.length <= MAX_CLAIM_NAME_LENGTH;
}

export interface Claim {
	/** Of the thing that a node may become. */
	readonly name: string;
	readonly allowedMs: number;
	/** When it was claimed first, ms since the epoch; null when it has not been. */
	readonly claimedMs: number | null;
}

export interface ClaimStore {
	/** Lets a node claim a name, once; also where it was claimed before, for a node whose flash has been erased. */
	allow(name: string, allowedMs: number): Promise<void>;
	get(name: string): Promise<Claim | null>;
	/** By name. @param query.after only names that come after this one */
	list(query: {
		readonly limit: number;
		readonly after?: string;
	}): Promise<readonly Claim[]>;
	/**
	 * Lets nobody claim a name any more, and forgets that it was claimed; what became the thing stays it.
	 * @returns false when it was not allowed
	 */
	revoke(name: string): Promise<boolean>;
	/**
	 * Notes that a name has been claimed.
	 * @returns false when it is not allowed, or was claimed already: nothing changed
	 */
	claim(name: string, claimedMs: number): Promise<boolean>;
}

/**
 * How long a node may ask again with a new certificate, when it did not hear the answer, ms; without it, a lost packet would have somebody
 * allow it by hand. For so long, or until the thing has connected, whoever has the claim certificate could take its name as well. Of those
 * who do, one stays: on one machine the last, on AWS the first that connects.
 */
const AGAIN_MS = 15 * 60_000;

/** Why a node is not let in: "bad_name", "not_allowed", "claimed". */
export type ClaimRefusal = "bad_name" | "not_allowed" | "claimed";

/**
 * @returns null when the node may become the thing
 * @throws StoreError
 */
export async function refusalOfClaim(
	store: ClaimStore,
	devices: Pick<DeviceStore, "get">,
	name: unknown,
	nowMs: number,
): Promise<ClaimRefusal | null> {
	if (typeof name !== "string" || !isThingName(name)) return "bad_name";
	return refusalOf(store, name, nowMs, async (sinceMs) => {
		const device = await devices.get(name);
		// Then the answer was heard: who asks now is another.
		return (device?.lastSeenMs ?? Number.NEGATIVE_INFINITY) >= sinceMs;
	});
}

/** @param wasUsed whether the certificate has been, that was given out since then */
async function refusalOf(
	store: ClaimStore,
	name: string,
	nowMs: number,
	wasUsed: (sinceMs: number) => Promise<boolean>,
): Promise<"not_allowed" | "claimed" | null> {
	if (await store.claim(name, nowMs)) return null;
	const claim = await store.get(name);
	if (claim === null) return "not_allowed";
	const claimedMs = claim.claimedMs ?? 0;
	const sinceMs = nowMs - claimedMs;
	if (sinceMs < 0 || sinceMs > AGAIN_MS) return "claimed";
	return (await wasUsed(claimedMs)) ? "claimed" : null;
}

/** Of a thing that asks by its own connection: that it is connected says nothing of an answer. */
const neverUsed = async (): Promise<boolean> => false;

/** Under which it is kept that a thing may exchange its own certificate: with its colon it is no name that could be claimed. */
function rotationOf(thing: string): string {
	return `rotate:${thing}`;
}

/**
 * Lets a thing, and nobody but who is connected as it, exchange its certificate, once. What others may claim stays as it is: a rotation
 * gives nothing to whoever has taken a claim certificate out of a node. @throws StoreError
 */
export function allowRotation(
	store: Pick<ClaimStore, "allow">,
	thing: string,
	nowMs: number,
): Promise<void> {
	return store.allow(rotationOf(thing), nowMs);
}

/** Takes it back. No effect where there is nothing to take. @throws StoreError */
export async function forbidRotation(
	store: Pick<ClaimStore, "revoke">,
	thing: string,
): Promise<void> {
	await store.revoke(rotationOf(thing));
}

/** Nobody may become a thing any more, nor it exchange its certificate. @throws StoreError */
export async function revokeAllOf(
	store: Pick<ClaimStore, "revoke">,
	thing: string,
): Promise<void> {
	await store.revoke(thing);
	await forbidRotation(store, thing);
}

/** The jobs `rotate` that things have to do. */
export interface RotationJobs {
	/**
	 * Since when a thing is at one, or, before it has begun, has one to do, ms since the epoch; null where it has none.
	 * @throws StoreError
	 */
	sinceMs(thing: string): Promise<number | null>;
}

/** What a job has allowed in advance is good for so long, ms: no execution may be in progress for longer. */
const ROTATION_MS = 7 * 86_400_000;

/**
 * A job may allow those whom it is for in advance. Who came to match it later, or is given it once more, is allowed for having it to do: once
 * for each time. Who did not hear the answer may ask again, while it is to be done.
 */
async function refusalOfRotation(
	store: ClaimStore,
	thing: string,
	nowMs: number,
	jobs: RotationJobs,
): Promise<ClaimRefusal | null> {
	const key = rotationOf(thing);
	const held = await store.get(key);
	const isAllowedInAdvance =
		held !== null &&
		held.claimedMs === null &&
		nowMs - held.allowedMs <= ROTATION_MS;
	if (isAllowedInAdvance && (await store.claim(key, nowMs))) return null;
	const sinceMs = await jobs.sinceMs(thing);
	if (sinceMs === null) return "not_allowed";
	const claimedMs = (await store.get(key))?.claimedMs ?? null;
	if (claimedMs === null || claimedMs < sinceMs) await store.allow(key, nowMs);
	return refusalOf(store, key, nowMs, neverUsed);
}

/** Whose client id is neither a claim's nor the name that it asks for: "not_own_name". */
export type ProvisioningRefusal = ClaimRefusal | "not_own_name";

/**
 * Whether who is connected by a client id may become a thing. Things may ask as well, each for a new certificate of its own,
 * and need to be allowed to, too; both clouds bind their client id to their name. A key that was taken out of one must
 * not make another thing of whoever has it.
 * @returns null when it may: from then on its name is claimed
 * @throws StoreError
 */
export async function refusalOfProvisioning(
	store: ClaimStore,
	devices: Pick<DeviceStore, "get">,
	asks: { readonly clientId: string; readonly name: unknown },
	nowMs: number,
	jobs: RotationJobs,
): Promise<ProvisioningRefusal | null> {
	const { clientId, name } = asks;
	if (clientId.startsWith(CLAIM_CLIENT_PREFIX))
		return refusalOfClaim(store, devices, name, nowMs);
	if (clientId !== name) return "not_own_name";
	const refusal = await refusalOfRotation(store, clientId, nowMs, jobs);
	if (refusal === null) return null;
	if (!isThingName(clientId)) return "bad_name";
	return refusalOf(store, clientId, nowMs, neverUsed);
}
