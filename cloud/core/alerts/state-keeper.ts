import type { LiveHub } from "../live-hub.ts";
import { type Clock, StoreError } from "../ports.ts";
import { conditionKey, eventOf, type Happening } from "./events.ts";
import type { Standing } from "./judge.ts";
import { dueMs, enqueue } from "./outbox.ts";
import type { AlertRule, AlertState, AlertStore } from "./ports.ts";

/** How often somebody else may be faster before the store is said to be busy. */
const MAX_TRIES = 8;

/** What becomes of a state. */
export interface Change {
	readonly standing: Standing;
	/** Of the channel; empty where there is none. */
	readonly unit: string;
	readonly happenings: readonly Happening[];
}

/** Changes states, each in one write together with the events that this makes. */
export class StateKeeper {
	readonly #store: AlertStore;
	readonly #hub: Pick<LiveHub, "publish">;
	readonly #clock: Clock;
	readonly #onOutbox: () => void;

	/** @param deps.onOutbox is told when there is something to deliver */
	constructor(deps: {
		readonly store: AlertStore;
		readonly hub: Pick<LiveHub, "publish">;
		readonly clock: Clock;
		readonly onOutbox: () => void;
	}) {
		this.#store = deps.store;
		this.#hub = deps.hub;
		this.#clock = deps.clock;
		this.#onOutbox = deps.onOutbox;
	}

	/**
	 * Asks what becomes of a state until nobody else has changed it meanwhile.
	 * @param decide null when nothing does
	 * @param known the state as it was read already
	 * @throws StoreError
	 */
	async update(
		rule: AlertRule,
		device: string,
		decide: (state: AlertState | null) => Promise<Change | null>,
		known?: AlertState | null,
	): Promise<void> {
		let state =
			known === undefined ? await this.#store.getState(rule.id, device) : known;
		for (let tries = 0; tries < MAX_TRIES; tries++) {
			const change = await decide(state);
			if (change === null) return;
			if (await this.#put(rule, device, state, change)) return;
			state = await this.#store.getState(rule.id, device);
		}
		throw new StoreError(
			"busy",
			`The alert "${rule.name}" of ${device} is being changed by too many at once; try again.`,
		);
	}

	/** @returns false when somebody else was faster */
	async #put(
		rule: AlertRule,
		device: string,
		state: AlertState | null,
		{ standing, unit, happenings }: Change,
	): Promise<boolean> {
		const nowMs = this.#clock.nowMs();
		const events = happenings.map((happening) =>
			eventOf(rule, device, happening, unit, nowMs),
		);
		const { outbox, givenUp } = enqueue(state?.outbox ?? [], events);
		// Before they leave the outbox: afterwards nobody would know of them.
		for (const event of givenUp) await this.#store.putEvent(event);
		const isKept = await this.#store.putState({
			ruleId: rule.id,
			device,
			...standing,
			judgedBy: conditionKey(rule.condition),
			unit: standing.value === null ? null : unit,
			outbox,
			dueMs: dueMs(outbox),
			version: (state?.version ?? 0) + 1,
		});
		if (!isKept) return false;
		this.#hub.publish({
			type: "alert",
			thing: device,
			ruleId: rule.id,
			ruleName: rule.name,
			status: standing.status,
			sinceMs: standing.sinceMs,
			text: events.at(-1)?.text ?? null,
		});
		// Should this fail, the outbox still has them, and delivering puts them into the history.
		for (const event of events) {
			if (outbox.includes(event)) await this.#store.putEvent(event);
		}
		if (events.length > 0) this.#onOutbox();
		return true;
	}
}
