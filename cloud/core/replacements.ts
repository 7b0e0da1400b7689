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
	/** Id of the one that it takes the place of; of a claim, which has none, `claimOf` it. */
	readonly replaces: string;
}

export interface Successor {
	readonly certificateId: string;
	/** When it was given out, ms since the epoch. */
	readonly sinceMs: number;
}

/** What retiring asks for. @throws StoreError */
export interface Replacements {
	/** @returns null where that certificate takes no other's place */
	get(certificateId: string): Promise<Replacement | null>;
	/** Those that take the place of one, or of a claim, in any order. */
	successorsOf(replaced: string): Promise<readonly Successor[]>;
}

/**
 * Where the cloud does not keep the certificates itself. It may forget all of it after 30 days: a new certificate that was never used by then
 * is not going to be. @throws StoreError
 */
export interface ReplacementStore extends Replacements {
	/** One of several that are noted at the same time is lost to none. */
	note(replacement: Replacement, nowMs: number): Promise<void>;
	/** Forgets what that certificate takes the place of. No effect where there is nothing. */
	forget(certificateId: string): Promise<void>;
	/**
	 * A certificate is used: it stays in the place of that one, or claim, unless another does already.
	 * @returns the id of the one that stays: of those who ask at the same time, all get the same
	 */
	settle(
		replaced: string,
		certificateId: string,
		nowMs: number,
	): Promise<string>;
	/** @returns which stays in the place of that one; null while none has been used */
	settledBy(replaced: string): Promise<string | null>;
}

/** How long a replacement is remembered, ms. */
export const REPLACEMENT_MS = 30 * 86_400_000;

/**
 * So many may be given out in one's place within `SUCCESSORS_MS`. Who has not heard the answer asks again every few minutes; who has stolen the
 * key would ask until there are more than can be taken out of force one by one.
 */
const MAX_SUCCESSORS = 10;
const SUCCESSORS_MS = 15 * 60_000;

/** Whether another is too many. */
export function areTooMany(
	successors: readonly Successor[],
	nowMs: number,
): boolean {
	const recent = successors.filter(
		({ sinceMs }) => sinceMs > nowMs - SUCCESSORS_MS,
	);
	return recent.length >= MAX_SUCCESSORS;
}

/**
 * What certificates take the place of that a name was claimed by. A name that is claimed anew, after it was allowed anew, is another claim.
 * @param claimedMs when it was claimed first
 */
export function claimOf(thing: string, claimedMs: number): string {
	return `${CLAIM}${thing}:${claimedMs}`;
}

/** With its colon it begins no certificate's id. */
const CLAIM = "claim:";

/**
 * What goes as a certificate is used: the one that it takes the place of, what that had, and so on, and all that have taken the place of
 * any of these. Not what is to take its own place, which is in force to be tried.
 * @returns ids, in the order in which they are to go
 * @throws StoreError
 */
export async function retirementBy(
	replacements: Replacements,
	thing: string,
	certificateId: string,
): Promise<readonly string[]> {
	const seen = new Set<string>([certificateId]);
	const replacedBy = async (id: string): Promise<readonly string[]> => {
		const found = await replacements.get(id);
		return found?.thing === thing ? [found.replaces] : [];
	};
	const waiting = [...(await replacedBy(certificateId))];
	for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
		if (seen.has(id)) continue;
		seen.add(id);
		const successors = await replacements.successorsOf(id);
		waiting.push(
			...(await replacedBy(id)),
			...successors.map((one) => one.certificateId),
		);
	}
	return [...seen].filter(
		(id) => id !== certificateId && !id.startsWith(CLAIM),
	);
}

/**
 * A thing has connected: takes out of force what goes. That is its certificate itself where another has been used in the place of the same
 * one before. Doing it again changes nothing.
 * @param revoke takes a certificate out of force, for good; no effect on one that is not
 * @returns the ids of those that have gone
 * @throws StoreError, RegistryError: then it is to be done again
 */
export async function retireReplaced(
	replacements: ReplacementStore,
	revoke: (certificateId: string) => Promise<void>,
	thing: string,
	certificateId: string,
	nowMs: number,
): Promise<readonly string[]> {
	const found = await replacements.get(certificateId);
	if (found?.thing !== thing) return [];
	if (!(await stays(replacements, found, nowMs))) {
		await revoke(certificateId);
		return [certificateId];
	}
	// What is given out from here on is refused by who finds that this one stays: all others are there to be seen.
	const retired = await retirementBy(replacements, thing, certificateId);
	for (const one of retired) await revoke(one);
	// Last: whatever failed before is done again. What is noted of the others stays, by which they go should they come into force yet.
	await replacements.forget(certificateId);
	return retired;
}

/** Whether it, and each that it descends from, is the one that was used first in the place of its own. */
async function stays(
	replacements: ReplacementStore,
	replacement: Replacement,
	nowMs: number,
): Promise<boolean> {
	const { thing } = replacement;
	const seen = new Set<string>();
	for (
		let found: Replacement | null = replacement;
		found !== null && found.thing === thing && !seen.has(found.certificateId);
		found = await replacements.get(found.replaces)
	) {
		const { certificateId, replaces } = found;
		seen.add(certificateId);
		const settled = await replacements.settle(replaces, certificateId, nowMs);
		if (settled !== certificateId) return false;
	}
	return true;
}

/** Of a cloud that keeps the certificates itself. @param known all of a thing */
export function replacementsAmong(
	known: readonly DeviceCertificate[],
): Replacements {
	const byId = new Map(known.map((one) => [one.certificateId, one]));
	const byReplaced = new Map<string, Successor[]>();
	for (const { certificateId, createdMs: sinceMs, replaces } of known) {
		if (replaces === undefined) continue;
		const successors = byReplaced.get(replaces);
		if (successors === undefined)
			byReplaced.set(replaces, [{ certificateId, sinceMs }]);
		else successors.push({ certificateId, sinceMs });
	}
	return {
		async get(certificateId) {
			const { thing = null, replaces } = byId.get(certificateId) ?? {};
			return thing === null || replaces === undefined
				? null
				: { certificateId, thing, replaces };
		},
		async successorsOf(replaced) {
			return byReplaced.get(replaced) ?? [];
		},
	};
}
