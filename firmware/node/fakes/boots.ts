/** Boots of one node after another over the same flash and settings, and what the cloud was told of its health. */
import assert from "node:assert/strict";
import { HeapFlash } from "../heap-flash.ts";
import { startNode } from "../node.ts";
import {
	type Durable,
	FAKE_EPOCH_MS,
	type FakeBoard,
	FakeSettings,
	makeBoard,
} from "./board.ts";
import type { FakeCloud } from "./cloud.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const CONFIG = {
	blockSpanMs: MINUTE_MS,
	healthIntervalMs: MINUTE_MS,
	healthSpanMs: 5 * MINUTE_MS,
};

/** Settings whose calls can be made to throw. */
class FailingSettings extends FakeSettings {
	getFails = false;
	setFails = false;

	override get(key: string): string | undefined {
		if (this.getFails) throw new Error("ESP_ERR_NVS_INVALID_STATE");
		return super.get(key);
	}

	override set(key: string, value: string): void {
		if (this.setFails) throw new Error("ESP_ERR_NVS_NOT_ENOUGH_SPACE");
		super.set(key, value);
	}

	override delete(key: string): void {
		if (this.setFails) throw new Error("ESP_ERR_NVS_NOT_ENOUGH_SPACE");
		super.delete(key);
	}
}

interface OddDurable extends Durable {
	readonly settings: FailingSettings;
	readonly journal: HeapFlash;
	readonly checkpoints: HeapFlash;
}

export function makeOddDurable(config: object = CONFIG): OddDurable {
	const settings = new FailingSettings();
	settings.set("config", JSON.stringify(config));
	return {
		settings,
		journal: new HeapFlash(256, 4096),
		checkpoints: new HeapFlash(16, 4096),
	};
}

export interface Boot {
	readonly board: FakeBoard;
	readonly boot: number;
	applyConfig(text: string): string | null;
	/** Ends in good order. */
	stop(): void;
}

/** Each boot is an hour later than the one before. */
export function start(
	durable: Durable,
	cloud: FakeCloud,
	nth: number,
	prepare: (board: FakeBoard) => void = () => undefined,
): Boot {
	const board = makeBoard(durable, nth, FAKE_EPOCH_MS + nth * DAY_MS);
	board.network.onMessage = cloud.take;
	prepare(board);
	const node = startNode(board);
	return {
		board,
		boot: board.system.reportsOf("boot")[0]?.boot ?? 0,
		applyConfig: (text) => node.applyConfig(text),
		stop() {
			node.stop();
			board.timers.advance(10_000);
		},
	};
}

/** All samples of a channel of health that are stored of a boot, in order. */
export function statesOf(
	cloud: FakeCloud,
	channel: string,
	boot: number,
): number[] {
	const found: { readonly atMs: number; readonly values: number[] }[] = [];
	for (const block of cloud.blocks.values()) {
		const at = block.channels.findIndex(({ id }) => id === channel);
		if (at < 0 || block.boot !== boot) continue;
		found.push({
			atMs: block.startUptimeMs,
			values: [...(block.columns[at] ?? [])],
		});
	}
	return found.sort((a, b) => a.atMs - b.atMs).flatMap(({ values }) => values);
}

/** Each state once, as they followed one another. */
export function runsOf(values: readonly number[]): number[] {
	return values.filter((value, n) => value !== values[n - 1]);
}

export function assertNothingLost(
	cloud: FakeCloud,
	{ board, boot }: Boot,
): void {
	const stored = cloud.samples("temperature");
	for (const [uptimeMs, raw] of board.sensor.given)
		assert.deepEqual(
			stored.get(`${boot}@${uptimeMs}`),
			[...raw],
			`${uptimeMs}`,
		);
	assert.equal(board.system.reportsOf("boot").length, 1);
}
