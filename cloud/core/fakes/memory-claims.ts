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
		async list({ limit, after = "" }) {
			return [...claims.values()]
				.filter(({ name }) => name > after)
				.sort((a, b) => (a.name < b.name ? -1 : 1))
				.slice(0, limit);
		},
		async revoke(name) {
			return claims.delete(name);
		},
		async claim(name, claimedMs) {
			const claim = claims.get(name);
			if (claim === undefined || claim.claimedMs !== null) return false;
			claims.set(name, { ...claim, claimedMs });
			return true;
		},
	};
}
