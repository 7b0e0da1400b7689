/**
 * Alerts: rules, judged by blocks as they come in and on a schedule; what turns out is delivered.
 * `docs/alerts.md` says what may be relied on.
 */
import type { BlockListener, TakenBlock } from "../ingest.ts";
import type { LiveHub } from "../live-hub.ts";
import { type Clock, StoreError, type Stores } from "../ports.ts";
import { Deliveries, type LinkTo } from "./deliveries.ts";
import { eventId } from "./events.ts";
import type {
	AlertEvent,
	AlertState,
	AlertStore,
	DeliveryOutcome,
	NotificationTarget,
	Notifier,
} from "./ports.ts";
import { RuleCache } from "./rule-cache.ts";
import { Rules } from "./rules.ts";
import { conditionText } from "./sentences.ts";
import { LastReadings } from "./silence.ts";
import { StateKeeper } from "./state-keeper.ts";
import { Sweep } from "./sweep.ts";
import { Thresholds } from "./thresholds.ts";

export interface AlertsOptions {
	readonly stores: Pick<Stores, "alerts" | "blocks" | "devices">;
	readonly hub: Pick<LiveHub, "publish">;
	readonly clock: Clock;
	readonly notifier: Notifier;
	/** Told of what is wrong with this program: nothing that a store or a notifier does. */
	readonly onError: (error: unknown) => void;
	/** The page of a device, for messages. */
	readonly linkTo?: LinkTo;
	/** 0 … 1, for the jitter of what is tried again. */
	readonly random?: () => number;
}

export class Alerts {
	readonly rules: Rules;
	readonly #store: AlertStore;
	readonly #notifier: Notifier;
	readonly #clock: Clock;
	readonly #onError: (error: unknown) => void;
	readonly #thresholds: Thresholds;
	readonly #sweep: Sweep;
	readonly #deliveries: Deliveries;
	/** Told when there is something to deliver: set by who delivers at once. */
	onOutbox: () => void = () => undefined;

	constructor(options: AlertsOptions) {
		const { stores, hub, clock, notifier } = options;
		const store = stores.alerts;
		const cache = new RuleCache(store, clock);
		const keeper = new StateKeeper({
			store,
			hub,
			clock,
			onOutbox: () => this.onOutbox(),
		});
		this.#store = store;
		this.#notifier = notifier;
		this.#clock = clock;
		this.#onError = options.onError;
		this.rules = new Rules({ store, cache, hub, clock });
		this.#thresholds = new Thresholds({
			rules: cache,
			keeper,
			blocks: stores.blocks,
		});
		this.#sweep = new Sweep({
			store,
			devices: stores.devices,
			rules: cache,
			keeper,
			readings: new LastReadings(stores.blocks),
			clock,
		});
		this.#deliveries = new Deliveries({
			store,
			notifier,
			clock,
			random: options.random ?? Math.random,
			linkTo: options.linkTo ?? (() => null),
		});
	}

	/**
	 * For `Ingest`'s `onBlock`. A mistake in judging is told of and keeps no block from being acknowledged: coming again
	 * would not mend it, and the node could never go on. A store that fails does: the block comes again, and is judged
	 * then.
	 * @throws StoreError
	 */
	readonly onBlock: BlockListener = async (block: TakenBlock) => {
		try {
			await this.#thresholds.judgeBlock(block);
		} catch (error) {
			if (error instanceof StoreError) throw error;
			this.#onError(error);
		}
	};

	/** Before that nobody could be heard: a cloud that was off finds no device silent at once. */
	listenFrom(timeMs: number): void {
		this.#sweep.listenFrom(timeMs);
	}

	/** Looks for silent devices, and for alerts behind which nothing stands any more. @throws StoreError */
	sweep(): Promise<void> {
		return this.#sweep.run();
	}

	/** @returns whether there may be more. @throws StoreError */
	deliverDue(): Promise<boolean> {
		return this.#deliveries.deliverDue();
	}

	/** See `Deliveries.resume`. @throws StoreError */
	resume(): Promise<void> {
		return this.#deliveries.resume();
	}

	/** What is due of one state, which somebody has seen change. @throws StoreError */
	async deliver(ruleId: string, device: string): Promise<void> {
		const state = await this.#store.getState(ruleId, device);
		if (state !== null) await this.#deliveries.deliver(state);
	}

	/** Those that are not `ok`, by device, then rule. @throws StoreError */
	async states(device?: string): Promise<readonly AlertState[]> {
		const states = await this.#store.listStates(device);
		return states.filter(({ status }) => status !== "ok");
	}

	/** @throws StoreError */
	events(
		options: Parameters<AlertStore["listEvents"]>[0],
	): Promise<readonly AlertEvent[]> {
		return this.#store.listEvents(options);
	}

	/** What a rule may name as targets. */
	get targetKinds(): readonly NotificationTarget["type"][] {
		return this.#notifier.kinds;
	}

	/**
	 * Tells all whom a rule names that this is a test, once and now.
	 * @throws UnknownRule, StoreError
	 */
	async test(
		id: string,
	): Promise<
		readonly { target: NotificationTarget; outcome: DeliveryOutcome }[]
	> {
		const rule = await this.rules.get(id);
		const atMs = this.#clock.nowMs();
		const device = rule.device ?? "test";
		const event: AlertEvent = {
			id: `${eventId({ ruleId: id, device, status: "firing", atMs })}-test`,
			ruleId: id,
			ruleName: rule.name,
			device,
			status: "firing",
			atMs,
			value: null,
			unit: null,
			text: `This is a test of the alert "${conditionText(rule.condition, "")}": nothing has happened.`,
			deliveries: [],
		};
		return Promise.all(
			rule.notify.map(async (target) => ({
				target,
				outcome: await (rule.device === null
					? this.#deliveries.notify(target, event, null)
					: this.#deliveries.notify(target, event)),
			})),
		);
	}
}
