/**
 * What no message tells: that a device is silent or not connected, that a rule is gone. Asked on a schedule, of all
 * devices at once; asking twice, or twice at a time, changes nothing more.
 */
import type { Clock, Device, DeviceStore } from "../ports.ts";
import { conditionKey, type Happening } from "./events.ts";
import type {
	AlertCondition,
	AlertRule,
	AlertState,
	AlertStore,
} from "./ports.ts";
import type { RuleCache } from "./rule-cache.ts";
import type { LastReadings } from "./silence.ts";
import { endOf, standingOf } from "./standing.ts";
import type { Change, StateKeeper } from "./state-keeper.ts";

/** Devices looked at at a time: one after the other, those of a large fleet take longer than there is until the next sweep. */
const AT_ONCE = 32;

type SilenceCondition = Exclude<AlertCondition, { type: "threshold" }>;
type SilenceRule = AlertRule & { readonly condition: SilenceCondition };

export class Sweep {
	readonly #store: AlertStore;
	readonly #devices: Pick<DeviceStore, "list">;
	readonly #rules: RuleCache;
	readonly #keeper: StateKeeper;
	readonly #readings: LastReadings;
	readonly #clock: Clock;
	#listeningSinceMs = 0;

	constructor(deps: {
		readonly store: AlertStore;
		readonly devices: Pick<DeviceStore, "list">;
		readonly rules: RuleCache;
		readonly keeper: StateKeeper;
		readonly readings: LastReadings;
		readonly clock: Clock;
	}) {
		this.#store = deps.store;
		this.#devices = deps.devices;
		this.#rules = deps.rules;
		this.#keeper = deps.keeper;
		this.#readings = deps.readings;
		this.#clock = deps.clock;
	}

	/** Nobody could be heard before: silence counts from then on. */
	listenFrom(timeMs: number): void {
		this.#listeningSinceMs = timeMs;
	}

	/**
	 * Looks once at all devices. What fails for one of them does not keep it from the others.
	 * @throws StoreError for the first that failed, when the others have been looked at
	 */
	async run(): Promise<void> {
		const [rules, states] = await Promise.all([
			this.#rules.refresh(),
			this.#store.listStates(),
		]);
		const silences = rules.filter(isSilence);
		const open = states.filter(isOpen);
		if (silences.length === 0 && open.length === 0) return;
		const devices = await this.#devices.list();
		const names = new Set(devices.map(({ name }) => name));
		const errors: unknown[] = [];
		const attempt = async (work: () => Promise<void>): Promise<void> => {
			try {
				await work();
			} catch (error) {
				errors.push(error);
			}
		};
		for (const state of open) {
			const rule = rules.find(({ id }) => id === state.ruleId);
			await attempt(() => this.#endIfAlone(state, rule, names));
		}
		const known = new Map(
			states.map((state) => [`${state.ruleId}/${state.device}`, state]),
		);
		const pairs = pairsOf(silences, devices);
		const look = async (): Promise<void> => {
			for (const [rule, device] of pairs) {
				const state = known.get(`${rule.id}/${device.name}`) ?? null;
				await attempt(() => this.#judge(rule, device, state));
			}
		};
		await Promise.all(Array.from({ length: AT_ONCE }, look));
		if (errors.length > 0) throw errors[0];
	}

	/** Ends a state behind which nothing stands any more. */
	async #endIfAlone(
		state: AlertState,
		rule: AlertRule | undefined,
		devices: ReadonlySet<string>,
	): Promise<void> {
		// It was judged by a rule that had just been removed.
		if (rule === undefined) return this.#store.deleteRule(state.ruleId);
		const reason = whyAlone(state, rule, devices);
		if (reason === null) return;
		const nowMs = this.#clock.nowMs();
		await this.#keeper.update(
			rule,
			state.device,
			async (current) =>
				current === null ||
				!isOpen(current) ||
				whyAlone(current, rule, devices) === null
					? null
					: {
							standing: {
								status: current.status === "firing" ? "resolved" : "ok",
								sinceMs: nowMs,
								judgedToMs: current.judgedToMs,
								value: null,
							},
							unit: "",
							happenings: endOf(current, nowMs, reason),
						},
			state,
		);
	}

	async #judge(
		rule: SilenceRule,
		device: Device,
		known: AlertState | null,
	): Promise<void> {
		const nowMs = this.#clock.nowMs();
		const silentSinceMs = await this.#silentSince(
			rule.condition,
			device,
			nowMs,
		);
		if (silentSinceMs === undefined) return;
		await this.#keeper.update(
			rule,
			device.name,
			async (state) => turnOf(rule, state, silentSinceMs, nowMs),
			known,
		);
	}

	/**
	 * @returns null when the condition does not hold; undefined when that cannot be said yet, since nobody has listened
	 * for so long, and what has been said before stands
	 */
	async #silentSince(
		condition: SilenceCondition,
		device: Device,
		nowMs: number,
	): Promise<number | null | undefined> {
		const cutoffMs = nowMs - condition.forMs;
		const lastMs =
			condition.type === "offline"
				? lastConnected(device, nowMs)
				: await this.#readings.after(
						device.name,
						condition.channel,
						cutoffMs,
						nowMs,
					);
		if (lastMs !== null && lastMs > cutoffMs) return null;
		const heardMs = Math.max(device.createdMs, this.#listeningSinceMs);
		if (heardMs > cutoffMs) return undefined;
		return lastMs ?? cutoffMs;
	}
}

function* pairsOf(
	rules: readonly SilenceRule[],
	devices: readonly Device[],
): Generator<readonly [SilenceRule, Device]> {
	for (const rule of rules) {
		for (const device of devices) {
			if (rule.device === null || rule.device === device.name) {
				yield [rule, device];
			}
		}
	}
}

function turnOf(
	rule: SilenceRule,
	state: AlertState | null,
	silentSinceMs: number | null,
	nowMs: number,
): Change | null {
	const { before, isAnew, ended } = standingOf(rule, state);
	const isFiring = before.status === "firing";
	const holds = silentSinceMs !== null;
	if (holds === isFiring && !isAnew) return null;
	const happening: Happening = {
		status: holds ? "firing" : "resolved",
		atMs: Math.max(nowMs, before.sinceMs + 1),
		value: null,
		heldSinceMs: silentSinceMs ?? before.sinceMs,
	};
	return {
		standing:
			holds === isFiring
				? before
				: {
						status: happening.status,
						sinceMs: happening.atMs,
						judgedToMs: nowMs,
						value: null,
					},
		unit: "",
		happenings: holds === isFiring ? ended : [...ended, happening],
	};
}

function lastConnected(
	{ online, lastSeenMs, createdMs }: Device,
	nowMs: number,
): number {
	return online ? nowMs : (lastSeenMs ?? createdMs);
}

function isSilence(rule: AlertRule): rule is SilenceRule {
	return rule.enabled && rule.condition.type !== "threshold";
}

function isOpen({ status }: AlertState): boolean {
	return status === "pending" || status === "firing";
}

/** Why nobody will judge a state any more, in a sentence; null when somebody will. */
function whyAlone(
	state: AlertState,
	rule: AlertRule,
	devices: ReadonlySet<string>,
): string | null {
	if (!rule.enabled) return "The rule has been turned off.";
	if (rule.device !== null && rule.device !== state.device) {
		return "The rule is for another device now.";
	}
	if (!devices.has(state.device)) return "There is no such device any more.";
	return rule.condition.type === "threshold" &&
		state.judgedBy !== conditionKey(rule.condition)
		? "The rule has been changed, and is judged anew."
		: null;
}
