/** Whose signature counts for a version, after releases that handed over from one key to the next. */
import { compareVersions } from "../../../protocol/version.ts";

/** A release, for one project and board, whose manifest names the key that comes after its own. */
export interface HandOver {
	readonly version: string;
	/** That signed it. */
	readonly key: string;
	readonly nextKey: string;
	/** Whether it has been withdrawn: then nobody knows which nodes have taken it. */
	readonly isWithdrawn: boolean;
}

export interface Trust {
	/** Keys whose signature counts for the version. */
	readonly keys: readonly string[];
	/** Those that have handed over in a lower version: no node that follows takes the version from them. */
	readonly ended: readonly HandOver[];
}

/**
 * A node takes only what its key has signed, and knows the next one once it has confirmed a release that hands over. So from that release
 * on it is the next key that signs; the one before still signs lower versions, for nodes that have not come so far. Where the release has
 * been withdrawn both count, since some nodes may have taken it.
 * @param own the key that the cloud was told of
 * @param version that is to be published
 */
export function trustFor(
	own: string,
	handOvers: readonly HandOver[],
	version: string,
): Trust {
	const known = new Set([own]);
	for (const key of known) {
		// What is added while a set is gone through is gone through as well.
		for (const one of handOvers) if (one.key === key) known.add(one.nextKey);
	}
	const before = handOvers.filter(
		(one) => known.has(one.key) && compareVersions(one.version, version) < 0,
	);
	/** Whether a later version has handed the key back what this one took from it. */
	const isGivenBack = ({ key, version }: HandOver): boolean =>
		before.some(
			(one) => one.nextKey === key && compareVersions(one.version, version) > 0,
		);
	const ended = before.filter(
		(one) => one.nextKey !== one.key && !one.isWithdrawn && !isGivenBack(one),
	);
	const keys = [...known].filter(
		(key) => !ended.some((one) => one.key === key),
	);
	return { keys, ended };
}
