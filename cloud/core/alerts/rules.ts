/** Who may make what rules: made, changed and removed by people. */
import { CoreError } from "../errors.ts";
import type { LiveHub } from "../live-hub.ts";
import type { Clock } from "../ports.ts";
import { eventOf } from "./events.ts";
import type { AlertRule, AlertStore } from "./ports.ts";
import type { RuleCache } from "./rule-cache.ts";
import { endOf } from "./standing.ts";

/** Every block is judged by the rules for its device: so many at most there may be in all. */
export const MAX_RULES = 500;
/** The longest time that a condition has to hold, ms: 30 days. */
export const MAX_FOR_MS = 30 * 86_400_000;
/** Devices send blocks of some minutes: what is shorter could not be told from a device that is well, ms. */
export const MIN_SILENCE_MS = 60_000;
export const MAX_TARGETS = 10;

/** What people say of a rule. */
export type RuleDraft = Pick<
	AlertRule,
	"name" | "device" | "condition" | "enabled" | "notify"
>;

export class UnknownRule extends CoreError {
	override readonly name = "UnknownRule";

	constructor(id: string) {
		super("unknown_rule", `There is no alert rule ${id}.`);
	}
}

export class TooManyRules extends CoreError {
	override readonly name = "TooManyRules";

	constructor() {
		super(
			"too_many_rules",
			`There are ${MAX_RULES} alert rules already; remove one first, or let one be for all devices.`,
		);
	}
}

export class Rules {
	readonly #store: AlertStore;
	readonly #cache: RuleCache;
	readonly #hub: Pick<LiveHub, "publish">;
	readonly #clock: Clock;

	constructor(deps: {
		readonly store: AlertStore;
		readonly cache: RuleCache;
		readonly hub: Pick<LiveHub, "publish">;
		readonly clock: Clock;
	}) {
		this.#store = deps.store;
		this.#cache = deps.cache;
		this.#hub = deps.hub;
		this.#clock = deps.clock;
	}

	/** By name. @throws StoreError */
	list(): Promise<readonly AlertRule[]> {
		return this.#store.listRules();
	}

	/** @throws UnknownRule, StoreError */
	async get(id: string): Promise<AlertRule> {
		const rule = await this.#store.getRule(id);
		if (rule === null) throw new UnknownRule(id);
		return rule;
	}

	/** @throws TooManyRules, StoreError */
	async create(draft: RuleDraft, owner: string): Promise<AlertRule> {
		const rules = await this.#store.listRules();
		if (rules.length >= MAX_RULES) throw new TooManyRules();
		const nowMs = this.#clock.nowMs();
		const rule: AlertRule = {
			...draft,
			id: newId(),
			owner,
			createdMs: nowMs,
			updatedMs: nowMs,
		};
		await this.#put(rule);
		return rule;
	}

	/** Where it fires and its condition is another now, it no longer does, and is judged anew. @throws UnknownRule, StoreError */
	async replace(id: string, draft: RuleDraft): Promise<AlertRule> {
		const { owner, createdMs } = await this.get(id);
		const updatedMs = this.#clock.nowMs();
		const rule: AlertRule = { ...draft, id, owner, createdMs, updatedMs };
		await this.#put(rule);
		return rule;
	}

	/**
	 * Nobody is told any more of what it still had to deliver; its events stay in the history, with an end.
	 * @throws UnknownRule, StoreError
	 */
	async remove(id: string): Promise<void> {
		const rule = await this.get(id);
		const states = (await this.#store.listStates()).filter(
			({ ruleId }) => ruleId === id,
		);
		await this.#store.deleteRule(id);
		this.#cache.forget();
		const nowMs = this.#clock.nowMs();
		for (const state of states) {
			const { device } = state;
			const [end] = endOf(state, nowMs, "The rule has been removed.");
			if (end !== undefined) {
				const event = eventOf({ ...rule, notify: [] }, device, end, "", nowMs);
				await this.#store.putEvent(event);
			}
			this.#hub.publish({
				type: "alert",
				thing: device,
				ruleId: id,
				ruleName: rule.name,
				status: "ok",
				sinceMs: nowMs,
				text: null,
			});
		}
	}

	async #put(rule: AlertRule): Promise<void> {
		await this.#store.putRule(rule);
		this.#cache.forget();
	}
}

function newId(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(8));
	return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
