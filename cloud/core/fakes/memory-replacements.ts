/** Replacements in memory, for tests. */
import type { Replacement, ReplacementStore } from "../replacements.ts";

export function memoryReplacements(): ReplacementStore {
	const all = new Map<string, Replacement>();
	const claims = new Map<string, string>();
	return {
		async note(replacement) {
			all.set(replacement.certificateId, replacement);
		},
		async get(certificateId) {
			return all.get(certificateId) ?? null;
		},
		async forget(certificateId) {
			all.delete(certificateId);
		},
		async noteClaim(thing, certificateId) {
			claims.set(thing, certificateId);
		},
		async lastClaimOf(thing) {
			return claims.get(thing) ?? null;
		},
	};
}
