/**
 * Which certificates take another's place: noted when one is given out, and looked up when the thing has connected, since only then may the
 * others go (docs/decisions/0017-rotation.md). One is given out each time that a thing is allowed to exchange its own, or that its name is
 * claimed: of several, whose answers were lost or heard by a stranger, the first that is used stays.
 */
import type { DeviceCertificate } from "./ports.ts";

export interface Replacement {
	/** Id of the new certificate. */
	readonly certificateId: string;
	readonly thing: string;
	/** Id of the one that it takes the place of; of a claim, which has none, `claimOf(thing)`. */
	readonly replaces: string;
}

/** What retiring asks for. @throws StoreError */
export interface Replacements {
	/** @returns null where that certificate takes no other's place */
	get(certificateId: string): Promise<Replacement | null>;
	/** Ids of the certificates that take the place of one, or of a claim, in any order. */
	successorsOf(replaced: string): Promise<readonly string[]>;
}

/** Where the cloud does not keep the certificates itself. @throws StoreError */
export interface ReplacementStore extends Replacements {
	/**
	 * One of several that are noted at the same time is lost to none. It may forget it after 30 days: a new certificate that was never used by then
	 * is not going to be.
	 */
	note(replacement: Replacement, nowMs: number): Promise<void>;
	/** Forgets what that certificate takes the place of. No effect where there is nothing. */
	forget(certificateId: string): Promise<void>;
	/** Forgets which take the place of that one. No effect where none do. */
	forgetSuccessorsOf(replaced: string): Promise<void>;
}

/** How long a replacement is remembered, ms. */
export const REPLACEMENT_MS = 30 * 86_400_000;

/** What certificates take the place of that a name was claimed by: with its colon it is no certificate's id. */
export function claimOf(thing: string): string {
	return `claim:${thing}`;
}

export interface Retirement {
	/** Ids of certificates, in the order in which they are to go. */
	readonly retired: readonly string[];
	/** Those, and claims: what is noted of them is of no use any more. */
	readonly settled: readonly string[];
}

/**
 * What goes as a certificate is used: the one that it takes the place of, what that had, and so on, and all that have taken the place of
 * any of these. Not what is to take its own place, which is in force to be tried.
 * @throws StoreError
 */
export async function retirementBy(
	replacements: Replacements,
	thing: string,
	certificateId: string,
): Promise<Retirement> {
	const settled = new Set<string>();
	const replacedBy = async (id: string): Promise<readonly string[]> => {
		const found = await replacements.get(id);
		return found?.thing === thing ? [found.replaces] : [];
	};
	const waiting = [...(await replacedBy(certificateId))];
	for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
		if (id === certificateId || settled.has(id)) continue;
		settled.add(id);
		waiting.push(
			...(await replacedBy(id)),
			...(await replacements.successorsOf(id)),
		);
	}
	settled.delete(certificateId);
	const claim = claimOf(thing);
	return {
		retired: [...settled].filter((id) => id !== claim),
		settled: [...settled],
	};
}

/**
 * A thing has connected: takes out of force what goes. Doing it again changes nothing.
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
	const { retired, settled } = await retirementBy(
		replacements,
		thing,
		certificateId,
	);
	for (const one of retired) await revoke(one);
	if (settled.length === 0) return retired;
	// Last: whatever failed before is done again as a whole, and begins with what is noted of the one that is used.
	for (const one of settled) {
		await replacements.forgetSuccessorsOf(one);
		await replacements.forget(one);
	}
	await replacements.forget(certificateId);
	return retired;
}

/** Of a cloud that keeps the certificates itself. @param known all of a thing */
export function replacementsAmong(
	known: readonly DeviceCertificate[],
): Replacements {
	return {
		async get(certificateId) {
			const found = known.find((one) => one.certificateId === certificateId);
			if (found === undefined || found.thing === null) return null;
			const { thing, replaces } = found;
			return replaces === undefined ? null : { certificateId, thing, replaces };
		},
		async successorsOf(replaced) {
			return known
				.filter(({ replaces }) => replaces === replaced)
				.map(({ certificateId }) => certificateId);
		},
	};
}
