/** Replacements in memory, for tests. */
import type {
	Replacement,
	ReplacementStore,
	Successor,
} from "../replacements.ts";

export function memoryReplacements(): ReplacementStore {
	const all = new Map<string, Replacement>();
	const successors = new Map<string, Successor[]>();
	const settled = new Map<string, string>();
	return {
		async note({ certificateId, thing, replaces }, nowMs) {
			all.set(certificateId, { certificateId, thing, replaces });
			const others = (successors.get(replaces) ?? []).filter(
				(one) => one.certificateId !== certificateId,
			);
			successors.set(replaces, [...others, { certificateId, sinceMs: nowMs }]);
		},
		async get(certificateId) {
			return all.get(certificateId) ?? null;
		},
		async successorsOf(replaced) {
			return successors.get(replaced) ?? [];
		},
		async forget(certificateId) {
			all.delete(certificateId);
		},
		async settle(replaced, certificateId) {
			const by = settled.get(replaced) ?? certificateId;
			settled.set(replaced, by);
			return by;
		},
		async settledBy(replaced) {
			return settled.get(replaced) ?? null;
		},
	};
}
