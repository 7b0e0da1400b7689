import type { Clock } from "../ports.ts";
import type { AlertRule, AlertStore } from "./ports.ts";

/** How old the rules may be that a block is judged by, ms: where others change them, it takes effect after so long. */
export const RULES_FOR_MS = 30_000;

/** The rules, so that a block does not cost reading them. */
export class RuleCache {
	readonly #store: Pick<AlertStore, "listRules">;
	readonly #clock: Clock;
	#rules: Promise<readonly AlertRule[]> | null = null;
	#readMs = 0;

	constructor(store: Pick<AlertStore, "listRules">, clock: Clock) {
		this.#store = store;
		this.#clock = clock;
	}

	/** @throws StoreError */
	all(): Promise<readonly AlertRule[]> {
		const nowMs = this.#clock.nowMs();
		const ageMs = nowMs - this.#readMs;
		if (this.#rules !== null && ageMs >= 0 && ageMs < RULES_FOR_MS) {
			return this.#rules;
		}
		return this.refresh();
	}

	/** They have been changed: the next one who asks reads them anew. */
	forget(): void {
		this.#rules = null;
	}

	/** Reads them anew. @throws StoreError */
	refresh(): Promise<readonly AlertRule[]> {
		this.#readMs = this.#clock.nowMs();
		const rules = this.#store.listRules();
		this.#rules = rules;
		// Rules that could not be read are asked for again by the next one; whoever waits for these is told.
		rules.catch(() => {
			if (this.#rules === rules) this.#rules = null;
		});
		return rules;
	}
}
