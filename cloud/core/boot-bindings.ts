import type { BlockHeader } from "../../protocol/block.ts";
import type { BindingStore, BootBinding } from "./ports.ts";

/** Two bindings of a boot that differ by less are one: a clock that was set again by so little stays as placed, ms. */
const SAME_BINDING_MS = 1000;

/**
 * The binding that tells when a boot's uptime was: the last one that holds from there or before, else the first.
 * @param bindings of one boot, by uptime
 */
export function bindingAt(
	bindings: readonly BootBinding[],
	uptimeMs: number,
): BootBinding | null {
	let found = bindings[0] ?? null;
	for (const binding of bindings) {
		if (binding.fromUptimeMs > uptimeMs) break;
		found = binding;
	}
	return found;
}

/**
 * Keeps what blocks with network time tell of their boot, so that the blocks the boot made before it knew the time can
 * be placed.
 */
export class BootBindings {
	readonly #store: BindingStore;
	/** By thing, then by journal and boot: of the boots heard lately. */
	readonly #known = new Map<string, Map<string, BootBinding[]>>();

	constructor(store: BindingStore) {
		this.#store = store;
	}

	/**
	 * @param header with network time that is believed
	 * @throws StoreError when it could not be kept
	 */
	async learn(thing: string, header: BlockHeader): Promise<void> {
		if (header.clock === null) return;
		const binding = {
			journalId: header.journalId,
			boot: header.boot,
			fromUptimeMs: header.startUptimeMs,
			bootTimeMs: header.clock.bootTimeMs,
		};
		let boots = this.#known.get(thing);
		if (boots === undefined) {
			boots = byBoot(await this.#store.list(thing));
			this.#known.set(thing, boots);
		}
		const key = bootKey(binding);
		const known = boots.get(key) ?? [];
		if (tellsNothingNew(known, binding)) return;
		await this.#store.add(thing, binding);
		boots.set(
			key,
			[...known, binding].sort((a, b) => a.fromUptimeMs - b.fromUptimeMs),
		);
	}
}

export function bootKey(boot: {
	readonly journalId: string;
	readonly boot: number;
}): string {
	return `${boot.journalId}-${boot.boot}`;
}

/** The bindings of each boot, by uptime. @param bindings by uptime within a boot */
export function byBoot(
	bindings: readonly BootBinding[],
): Map<string, BootBinding[]> {
	const boots = new Map<string, BootBinding[]>();
	for (const binding of bindings) {
		const key = bootKey(binding);
		const known = boots.get(key);
		if (known === undefined) boots.set(key, [binding]);
		else known.push(binding);
	}
	return boots;
}

function tellsNothingNew(
	known: readonly BootBinding[],
	binding: BootBinding,
): boolean {
	const inForce = bindingAt(known, binding.fromUptimeMs);
	return (
		inForce !== null &&
		Math.abs(inForce.bootTimeMs - binding.bootTimeMs) < SAME_BINDING_MS &&
		known.some((one) => one.fromUptimeMs <= binding.fromUptimeMs)
	);
}
