/** Shadows in memory, for tests. */
import type { ShadowStore, StoredShadow } from "../shadows/ports.ts";

export class MemoryShadows implements ShadowStore {
	readonly #shadows = new Map<string, StoredShadow>();
	/** Set to make everything fail with it. */
	failure: Error | null = null;

	async get(thing: string, name: string): Promise<StoredShadow | null> {
		this.#check();
		return structuredClone(this.#shadows.get(keyOf(thing, name)) ?? null);
	}

	async replace(
		thing: string,
		name: string,
		previous: Pick<StoredShadow, "version" | "document"> | null,
		next: StoredShadow,
	): Promise<boolean> {
		this.#check();
		const key = keyOf(thing, name);
		const stored = this.#shadows.get(key) ?? null;
		const isSame =
			stored?.version === previous?.version &&
			(stored?.document == null) === (previous?.document == null);
		if (isSame) this.#shadows.set(key, structuredClone(next));
		return isSame;
	}

	async names(thing: string): Promise<readonly string[]> {
		this.#check();
		return [...this.#shadows]
			.filter(
				([key, { document }]) =>
					key.startsWith(`${thing}/`) &&
					!key.endsWith("/") &&
					document !== null,
			)
			.map(([key]) => key.slice(thing.length + 1))
			.sort();
	}

	async removeThing(thing: string): Promise<void> {
		this.#check();
		for (const key of [...this.#shadows.keys()]) {
			if (key.startsWith(`${thing}/`)) this.#shadows.delete(key);
		}
	}

	#check(): void {
		if (this.failure !== null) throw this.failure;
	}
}

function keyOf(thing: string, name: string): string {
	return `${thing}/${name}`;
}
