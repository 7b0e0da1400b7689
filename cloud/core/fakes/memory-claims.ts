/** Claims in memory, for tests. */
import type { Claim, ClaimStore } from "../claims.ts";

export function memoryClaims(): ClaimStore {
	const claims = new Map<string, Claim>();
	return {
		async allow(name, allowedMs) {
			claims.set(name, { name, allowedMs, claimedMs: null });
		},
		async get(name) {
			return claims.get(name) ?? null;
		},
		async claim(name, claimedMs) {
			const claim = claims.get(name);
			if (claim === undefined || claim.claimedMs !== null) return false;
			claims.set(name, { ...claim, claimedMs });
			return true;
		},
	};
}
