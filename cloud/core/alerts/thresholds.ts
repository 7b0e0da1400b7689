/** Judges blocks by thresholds as they come in. */
import { decodeBlock } from "../../../protocol/decode.ts";
import { MAX_AHEAD_MS } from "../believable.ts";
import type { TakenBlock } from "../ingest.ts";
import { readHeaderOrNull } from "../pieces.ts";
import type { BlockStore } from "../ports.ts";
import { conditionKey, type Happening } from "./events.ts";
import {
	changesNothing,
	judge,
	type ThresholdCondition,
	type Turn,
} from "./judge.ts";
import type { AlertRule, AlertState } from "./ports.ts";
import type { RuleCache } from "./rule-cache.ts";
import { standingOf } from "./standing.ts";
import type { StateKeeper } from "./state-keeper.ts";

/** Of one block and rule: more would only be a value that goes to and fro at its limit. */
const MAX_HAPPENINGS = 4;

/** Blocks that came later are looked for among so many. */
const NEWER_BLOCKS = 32;

type ThresholdRule = AlertRule & { readonly condition: ThresholdCondition };

export class Thresholds {
	readonly #rules: RuleCache;
	readonly #keeper: StateKeeper;
	readonly #blocks: BlockStore;

	constructor(deps: {
		readonly rules: RuleCache;
		readonly keeper: StateKeeper;
		readonly blocks: BlockStore;
	}) {
		this.#rules = deps.rules;
		this.#keeper = deps.keeper;
		this.#blocks = deps.blocks;
	}

	/**
	 * Judges a block that has been stored. A block that has no time of its own is not judged, since nobody knows when its
	 * samples were; nor does one change anything that is older than what is stored of its channel: alerts are about now.
	 * @throws StoreError when it has to be judged again
	 */
	async judgeBlock(block: TakenBlock): Promise<void> {
		if (block.startMs === null) return;
		const rules = (await this.#rules.all()).filter((rule) =>
			isFor(rule, block.thing),
		);
		await Promise.all(
			rules.map((rule) => this.#judge(rule, block, block.startMs ?? 0)),
		);
	}

	async #judge(
		rule: ThresholdRule,
		block: TakenBlock,
		startMs: number,
	): Promise<void> {
		const { header, thing } = block;
		const index = header.channels.findIndex(
			({ id }) => id === rule.condition.channel,
		);
		const channel = header.channels[index];
		const summary = header.summaries[index];
		if (channel === undefined || summary === undefined) return;
		const { min, max } = summary;
		if (min === null || max === null) return;
		let column: Int32Array | null = null;
		await this.#keeper.update(rule, thing, async (state) => {
			const current = await this.#current(rule, state);
			if (current === null) return null;
			const { before, isAnew, ended } = standingOf(current, state);
			const { condition } = current;
			const isPlain =
				!isAnew &&
				changesNothing(
					condition,
					before.status,
					{ min, max },
					channel.exponent,
				);
			if (isPlain) return null;
			column ??= decodeBlock(block.bytes).columns[index] ?? new Int32Array();
			const { standing, turns } = judge(condition, before, {
				startMs,
				intervalMs: header.intervalMs,
				column,
				exponent: channel.exponent,
			});
			const isSame =
				standing.status === before.status &&
				standing.sinceMs === before.sinceMs;
			if (isSame && !isAnew) return null;
			if (await this.#isLate(block, startMs, channel.id)) return null;
			return {
				standing,
				unit: channel.unit,
				happenings: [...ended, ...theLast(turns)],
			};
		});
	}

	/**
	 * The rule to judge by. Where a state was judged by another condition, one of the two is old: the rules are read anew.
	 * @returns null when it is no longer for such a block
	 */
	async #current(
		rule: ThresholdRule,
		state: AlertState | null,
	): Promise<ThresholdRule | null> {
		if (state === null || state.judgedBy === conditionKey(rule.condition)) {
			return rule;
		}
		const rules = await this.#rules.refresh();
		const fresh = rules.find(({ id }) => id === rule.id);
		return fresh !== undefined &&
			isFor(fresh, state.device) &&
			fresh.condition.channel === rule.condition.channel
			? fresh
			: null;
	}

	/** Asked only when something would change: nothing needs to be written for all the blocks that change nothing. */
	async #isLate(
		{ thing, header, receivedMs }: TakenBlock,
		startMs: number,
		channelId: string,
	): Promise<boolean> {
		const endMs = startMs + header.sampleCount * header.intervalMs;
		const { blocks } = await this.#blocks.range(
			thing,
			endMs,
			Math.max(endMs, receivedMs) + 2 * MAX_AHEAD_MS,
			NEWER_BLOCKS,
		);
		return blocks.some(({ bytes, startMs: otherMs }) => {
			if (otherMs === null || otherMs <= startMs) return false;
			const other = readHeaderOrNull(bytes);
			return other?.channels.some(
				({ id }, i) => id === channelId && (other.summaries[i]?.count ?? 0) > 0,
			);
		});
	}
}

function isFor(rule: AlertRule, device: string): rule is ThresholdRule {
	return (
		rule.enabled &&
		rule.condition.type === "threshold" &&
		(rule.device === null || rule.device === device)
	);
}

/** Pairs are left out from the front, so that firing and resolved still take turns. */
function theLast(turns: readonly Turn[]): readonly Happening[] {
	const excess = Math.max(0, turns.length - MAX_HAPPENINGS);
	const leftOut = excess + (excess % 2);
	const [first, ...others] = turns.slice(leftOut);
	if (first === undefined || leftOut === 0) return turns;
	const times = leftOut === 2 ? "once" : `${leftOut / 2} times`;
	const note = `Before that it had fired ${times} more within the same block.`;
	return [{ ...first, note }, ...others];
}
