import type { BlockHeader } from "../../protocol/block.ts";
import { ifCanBe } from "./believable.ts";
import type { BindingStore, BootBinding } from "./ports.ts";

/** Two bindings of a boot that differ by less are one: a clock that was set again by so little stays as placed, ms. */
const SAME_BINDING_MS = 1000;

/**
 * The binding that tells when a boot's uptime was: the last one that holds from there or before, else the first.
 * @param bindings of one boot, by uptime
 */
function bindingAt(
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
 * Where a boot's bindings put a block that has no start of its own, when that can be true; else null.
 * @param bindings of the block's boot, by uptime
 */
export function boundStartMs(
	bindings: readonly BootBinding[],
	block: {
		readonly startUptimeMs: number;
		readonly lastAfterMs: number;
		readonly receivedMs: number;
	},
): number | null {
	const binding = bindingAt(bindings, block.startUptimeMs);
	if (binding === null) return null;
	const startMs = binding.bootTimeMs + block.startUptimeMs;
	return ifCanBe(startMs, block.lastAfterMs, block.receivedMs);
}

/** A node whose clock jumps more often than this in one boot tells nothing by it. */
const MAX_OF_A_BOOT = 32;
/** Boots remembered over all things, some 5 MB: one for each of the nodes that send. */
const KEPT_BOOTS = 16_384;

/**
 * Keeps what blocks with network time tell of their boot, so that the blocks the boot made before it knew the time can
 * be placed.
 */
export class BootBindings {
	readonly #store: BindingStore;
	/** By thing, journal and boot, in the order in which they were last heard. */
	readonly #known = new Map<string, readonly BootBinding[]>();

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
		const key = `${thing}/${bootKey(binding)}`;
		let known = this.#known.get(key);
		if (known === undefined) {
			known = await this.#store.list(thing, binding);
		} else this.#known.delete(key);
		if (!tellsNothingNew(known, binding)) {
			await this.#store.add(thing, binding);
			known = [...known, binding];
		}
		this.#known.set(key, known);
		if (this.#known.size > KEPT_BOOTS) {
			const [oldest] = this.#known.keys();
			if (oldest !== undefined) this.#known.delete(oldest);
		}
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

/**
 * Any of the boot's bindings will do: a clock that goes to and fro between two times is told of twice, not for ever. One
 * from before all of them is measured against the first alone, which it would take the place of.
 */
function tellsNothingNew(
	known: readonly BootBinding[],
	binding: BootBinding,
): boolean {
	if (known.length >= MAX_OF_A_BOOT) return true;
	const isAlike = ({ bootTimeMs }: BootBinding) =>
		Math.abs(bootTimeMs - binding.bootTimeMs) < SAME_BINDING_MS;
	const [one, ...others] = known;
	if (one === undefined) return false;
	const first = others.reduce(
		(a, b) => (b.fromUptimeMs < a.fromUptimeMs ? b : a),
		one,
	);
	return binding.fromUptimeMs < first.fromUptimeMs
		? isAlike(first)
		: known.some(isAlike);
}
