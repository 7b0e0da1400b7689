/**
 * The readings of one device that the page holds: stored blocks, and of the block that is still open the samples that
 * arrived live. A live sample names the block it will be part of, so when that block comes its samples are dropped.
 */
import {
	type Block,
	BlockError,
	type BlockIdentity,
	identityKey,
	MISSING,
} from "../../protocol/block.ts";
import { spanMs, startMs, toValue } from "../../protocol/block-time.ts";
import { decodeBlock } from "../../protocol/decode.ts";
import type { PlacedBlock } from "./framing.ts";
import type { Run } from "./series.ts";

interface HeldBlock {
	readonly block: Block;
	readonly startMs: number;
	readonly estimated: boolean;
}

/** A block, or null where its values are damaged: the cloud has looked at its header alone. */
export function decodeOrNull(bytes: Uint8Array): Block | null {
	try {
		return decodeBlock(bytes);
	} catch (error) {
		if (error instanceof BlockError) return null;
		throw error;
	}
}

/** Open blocks whose samples are kept at most; more than two (readings, health) means that blocks got lost. */
const MAX_OPEN = 40;

export class Readings {
	readonly #stored = new Map<string, HeldBlock>();
	readonly #open = new Map<string, HeldBlock[]>();
	/** When boots whose node does not know the time began, judged by when their samples arrived, ms. */
	readonly #guessedBootMs = new Map<string, number>();

	/** @returns how many of them cannot be decoded, and are left out */
	addStored(placed: readonly PlacedBlock[]): number {
		let unreadable = 0;
		for (const { bytes, startMs, estimated } of placed) {
			const block = decodeOrNull(bytes);
			if (block === null) {
				unreadable++;
				continue;
			}
			const key = identityKey(block);
			this.#stored.set(key, { block, startMs, estimated });
			this.#open.delete(key);
		}
		return unreadable;
	}

	/** @param nowMs when it arrived, for nodes that do not know the time */
	addLive(block: Block, nowMs: number): void {
		const key = identityKey(block);
		if (this.#stored.has(key)) return;
		const known = startMs(block);
		const held = {
			block,
			startMs: known ?? this.#guessStart(block, nowMs),
			estimated: known === null || block.clock?.source === "stored",
		};
		const samples = this.#open.get(key);
		if (samples === undefined) {
			this.#open.set(key, [held]);
			for (const oldest of this.#open.keys()) {
				if (this.#open.size <= MAX_OPEN) break;
				this.#open.delete(oldest);
			}
			return;
		}
		// After a reconnection the recent ones come again.
		const last = samples.at(-1);
		if (last === undefined || last.block.startUptimeMs < block.startUptimeMs) {
			samples.push(held);
		}
	}

	/** Lets go of stored blocks that share no time with the range. */
	keepOnly(fromMs: number, toMs: number): void {
		for (const [key, held] of this.#stored) {
			const endMs = held.startMs + spanMs(held.block);
			if (held.startMs >= toMs || endMs <= fromMs) this.#stored.delete(key);
		}
	}

	/** Runs of a channel that share time with the range, in no order. */
	runs(channel: string, fromMs: number, toMs: number): Run[] {
		const runs: Run[] = [];
		const add = (held: HeldBlock) => {
			const { block } = held;
			if (held.startMs > toMs) return;
			if (held.startMs + spanMs(block) < fromMs) return;
			const at = block.channels.findIndex(({ id }) => id === channel);
			const column = block.columns[at];
			const exponent = block.channels[at]?.exponent;
			if (column === undefined || exponent === undefined) return;
			runs.push({
				startMs: held.startMs,
				intervalMs: block.intervalMs,
				length: block.sampleCount,
				estimated: held.estimated,
				valueAt: (i) => {
					const raw = column[i] ?? MISSING;
					return raw === MISSING ? null : toValue(raw, exponent);
				},
			});
		};
		for (const held of this.#stored.values()) add(held);
		for (const samples of this.#open.values()) samples.forEach(add);
		return runs;
	}

	/** The earliest boot that any sample's arrival allows: a sample cannot arrive before it was taken. */
	#guessStart(block: Block & BlockIdentity, nowMs: number): number {
		const key = `${block.journalId}-${block.boot}`;
		const endUptimeMs =
			block.startUptimeMs + (block.sampleCount - 1) * block.intervalMs;
		const bootMs = Math.min(
			nowMs - endUptimeMs,
			this.#guessedBootMs.get(key) ?? Number.POSITIVE_INFINITY,
		);
		this.#guessedBootMs.set(key, bootMs);
		return bootMs + block.startUptimeMs;
	}
}
