/** Replacements in memory, for tests. */
import type { Replacement, ReplacementStore } from "../replacements.ts";

export function memoryReplacements(): ReplacementStore {
	const all = new Map<string, Replacement>();
	const successors = new Map<string, Set<string>>();
	return {
		async note(replacement) {
			const { certificateId, replaces } = replacement;
			all.set(certificateId, replacement);
			const others = successors.get(replaces) ?? [];
			successors.set(replaces, new Set([...others, certificateId]));
		},
		async get(certificateId) {
			return all.get(certificateId) ?? null;
		},
		async successorsOf(replaced) {
			return [...(successors.get(replaced) ?? [])];
		},
		async forget(certificateId) {
			all.delete(certificateId);
		},
		async forgetSuccessorsOf(replaced) {
			successors.delete(replaced);
		},
	};
}
