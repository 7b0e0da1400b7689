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
}

/** How long a replacement is remembered, ms. */
export const REPLACEMENT_MS = 30 * 86_400_000;

/**
 * A thing has connected: the certificate whose place that one has taken goes out of force, if there is one. Doing it again changes nothing.
 * @param revoke takes a certificate out of force, for good; no effect on one that is not
 * @returns the id of the one that has gone; null where none had to
 * @throws StoreError, RegistryError: then it is to be done again
 */
export async function retireReplaced(
	replacements: ReplacementStore,
	revoke: (certificateId: string) => Promise<void>,
	thing: string,
	certificateId: string,
): Promise<string | null> {
	const found = await replacements.get(certificateId);
	if (found === null || found.thing !== thing) return null;
	if (found.replaces === certificateId) return null;
	await revoke(found.replaces);
	await replacements.forget(certificateId);
	return found.replaces;
}
