import { type Clock, StoreError } from "../ports.ts";
import { type Attempt, claim, dueMs, hasten, settle } from "./outbox.ts";
import type {
	AlertEvent,
	AlertState,
	AlertStore,
	DeliveryOutcome,
	NotificationTarget,
	Notifier,
} from "./ports.ts";
import { subjectOf } from "./sentences.ts";

/** States delivered from at a time. */
const AT_ONCE = 8;
/** Asked of the store at once. */
const PAGE = 50;
/** How often somebody else may change the state before what came of an attempt is taken as unknown. */
const MAX_TRIES = 8;

/** The page of a device; null when nobody knows under what address it is served. */
export type LinkTo = (device: string) => string | null;

/**
 * Delivers what is in the outboxes. An attempt is claimed in the store before it is made, so that of several that
 * deliver one does; noting how it ended takes it from the outbox. Between the two a crash costs a second delivery, never
 * the first one.
 */
export class Deliveries {
	readonly #store: AlertStore;
	readonly #notifier: Notifier;
	readonly #clock: Clock;
	readonly #random: () => number;
	readonly #linkTo: LinkTo;

	constructor(deps: {
		readonly store: AlertStore;
		readonly notifier: Notifier;
		readonly clock: Clock;
		readonly random: () => number;
		readonly linkTo: LinkTo;
	}) {
		this.#store = deps.store;
		this.#notifier = deps.notifier;
		this.#clock = deps.clock;
		this.#random = deps.random;
		this.#linkTo = deps.linkTo;
	}

	/**
	 * Attempts what is due. What fails for one state does not keep it from the others.
	 * @returns whether there may be more
	 * @throws StoreError for the first that failed, when the others have been attempted
	 */
	async deliverDue(): Promise<boolean> {
		const states = await this.#store.due(this.#clock.nowMs(), PAGE);
		const errors: unknown[] = [];
		const waiting = [...states];
		const work = async (): Promise<void> => {
			for (let state = waiting.shift(); state; state = waiting.shift()) {
				try {
					await this.deliver(state);
				} catch (error) {
					errors.push(error);
				}
			}
		};
		await Promise.all(Array.from({ length: AT_ONCE }, work));
		if (errors.length > 0) throw errors[0];
		return states.length === PAGE;
	}

	/**
	 * Makes due at once whatever waits. For where one process alone delivers, at its start: what was begun before is
	 * over, and what failed for want of a setting may have it now.
	 * @throws StoreError
	 */
	async resume(): Promise<void> {
		const nowMs = this.#clock.nowMs();
		for (const state of await this.#store.listStates()) {
			if (state.outbox.length === 0) continue;
			// Where the state has changed meanwhile, what waits is due at its time.
			await this.#store.putState(
				withOutbox(state, hasten(state.outbox, nowMs)),
			);
		}
	}

	/** Attempts what is due of one state. @throws StoreError when it cannot be said what came of it */
	async deliver(state: AlertState): Promise<void> {
		const { outbox, attempts } = claim(state.outbox, this.#clock.nowMs());
		if (attempts.length === 0) {
			if (dueMs(outbox) === 0) await this.#note({ ...state, outbox }, []);
			return;
		}
		const claimed = withOutbox(state, outbox);
		// Whoever was faster has it in hand.
		if (!(await this.#store.putState(claimed))) return;
		const ended = await Promise.all(
			attempts.map(async (attempt) => ({
				...attempt,
				outcome: await this.#attempt(attempt),
			})),
		);
		await this.#note(claimed, ended);
	}

	/** What comes of telling a target of an event. @throws what the notifier throws, which is a mistake of its own */
	notify(
		target: NotificationTarget,
		event: AlertEvent,
		link = this.#linkTo(event.device),
	): Promise<DeliveryOutcome> {
		return this.#notifier.deliver(target, {
			event,
			subject: subjectOf(event),
			text: event.text,
			link,
		});
	}

	async #attempt({ target, event }: Attempt): Promise<DeliveryOutcome> {
		try {
			return await this.notify(target, event);
		} catch (error) {
			const reason = error instanceof Error ? error.message : String(error);
			return {
				result: "retry",
				error: `The attempt ended in an error that had not been foreseen: ${reason}`,
			};
		}
	}

	async #note(
		claimed: AlertState,
		ended: readonly (Attempt & { readonly outcome: DeliveryOutcome })[],
	): Promise<void> {
		let state: AlertState | null = claimed;
		for (let tries = 0; state !== null && tries < MAX_TRIES; tries++) {
			const { outbox, changed } = settle(
				state.outbox,
				ended,
				this.#clock.nowMs(),
				this.#random,
			);
			// Into the history first: once out of the outbox nobody would know of them.
			for (const event of changed) await this.#store.putEvent(event);
			if (await this.#store.putState(withOutbox(state, outbox))) return;
			state = await this.#store.getState(claimed.ruleId, claimed.device);
		}
		// Gone with its rule, there is nothing left to note.
		if (state === null) return;
		throw new StoreError(
			"busy",
			"What came of a delivery could not be noted; it will be made once more.",
		);
	}
}

function withOutbox(
	state: AlertState,
	outbox: AlertState["outbox"],
): AlertState {
	return {
		...state,
		outbox,
		dueMs: dueMs(outbox),
		version: state.version + 1,
	};
}
