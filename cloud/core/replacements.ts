/**
 * Which certificate takes another's place, where the cloud does not keep the certificates itself: noted when a thing is allowed to exchange
 * its own, and looked up when the thing has connected, since only then may the old one go (docs/decisions/0017-rotation.md).
 */

export interface Replacement {
	/** Id of the new certificate. */
	readonly certificateId: string;
	readonly thing: string;
	/** Id of the one that it takes the place of. */
	readonly replaces: string;
}

/** @throws StoreError */
export interface ReplacementStore {
	/** It may forget it after 30 days: a new certificate that was never used by then is not going to be. */
	note(replacement: Replacement, nowMs: number): Promise<void>;
	/** @returns null where that certificate takes no other's place */
	get(certificateId: string): Promise<Replacement | null>;
	/** No effect where there is none. */
	forget(certificateId: string): Promise<void>;
	/** Notes by which certificate a name was claimed last; it may forget it after a day. */
	noteClaim(thing: string, certificateId: string, nowMs: number): Promise<void>;
	/** @returns null where none has been noted */
	lastClaimOf(thing: string): Promise<string | null>;
}

/** A claim is asked for again within minutes, ms. */
export const CLAIM_MS = 86_400_000;

/**
 * A name has been claimed, maybe once more: its certificates replace each other, all round, so that of those who have heard one of the answers
 * the first that connects takes the others out of force. Which of them was heard, nobody knows before.
 * @throws StoreError
 */
export async function noteClaimed(
	replacements: ReplacementStore,
	thing: string,
	certificateId: string,
	nowMs: number,
): Promise<void> {
	const last = await replacements.lastClaimOf(thing);
	if (last !== null && last !== certificateId) {
		const replaces = (await replacements.get(last))?.replaces ?? last;
		await replacements.note({ certificateId, thing, replaces }, nowMs);
		await replacements.note(
			{ certificateId: last, thing, replaces: certificateId },
			nowMs,
		);
	}
	await replacements.noteClaim(thing, certificateId, nowMs);
}

/** How long a replacement is remembered, ms. */
export const REPLACEMENT_MS = 30 * 86_400_000;

/**
 * A thing has connected: what its certificate has taken the place of goes out of force, and what that had, and so on. Doing it again changes
 * nothing.
 * @param revoke takes a certificate out of force, for good; no effect on one that is not
 * @returns the ids of those that have gone
 * @throws StoreError, RegistryError: then it is to be done again
 */
export async function retireReplaced(
	replacements: ReplacementStore,
	revoke: (certificateId: string) => Promise<void>,
	thing: string,
	certificateId: string,
): Promise<readonly string[]> {
	const retired: string[] = [];
	let id = certificateId;
	for (;;) {
		const found = await replacements.get(id);
		if (found === null || found.thing !== thing) break;
		const { replaces } = found;
		if (replaces === certificateId || retired.includes(replaces)) break;
		await revoke(replaces);
		retired.push(replaces);
		id = replaces;
	}
	// Last: whatever failed before is done again as a whole.
	for (const one of [certificateId, ...retired]) await replacements.forget(one);
	return retired;
}
