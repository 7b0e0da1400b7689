/** A node: wires sensors, sampler, recorder, journal and uplink together on whatever board it is given. */
import { JOURNAL_CODES, SENSOR_CODES } from "../../protocol/health-states.ts";
import { Clock } from "./clock.ts";
import {
	type ConfigVerdict,
	DEFAULT_CONFIG,
	type NodeConfig,
	parseConfig,
} from "./config.ts";
import { type HealthFigures, HealthSource } from "./health.ts";
import type { RecordRef } from "./journal.ts";
import { LiveTap } from "./live.ts";
import { LevelledSystem } from "./log-filter.ts";
import type { Board, SensorPort, System } from "./ports.ts";
import {
	type RetainedState,
	type RetainedStream,
	readRetained,
} from "./retained-state.ts";
import { SensorReader } from "./sensor-reader.ts";
import { NodeSettings } from "./settings.ts";
import { Sleeper } from "./sleeper.ts";
import { keepBlock, openStorage, type Storage } from "./storage.ts";
import { Stream, type StreamParts } from "./stream.ts";
import { Trial } from "./trial.ts";
import { Uplink } from "./uplink.ts";
import { usableSensors } from "./usable-sensors.ts";
import { feedWatchdog } from "./watchdog.ts";

/** Settings key: the configuration document. */
export const CONFIG_KEY = "config";

/** How long a node that is told to end goes on sending. */
const FAREWELL_MS = 4000;

/** Health is looked at when the start is over; by then the time is mostly known, so that the first block has it. */
const SETTLE_MS = 5000;

/** A wake takes no longer than this: what seems longer was a clock that ran slow. */
const MAX_WAKING_MS = 2000;

const NOTHING = new Uint8Array(0);

export interface RunningNode {
	/**
	 * Takes a new configuration into use and stores it; the open blocks are closed. A document that is refused
	 * changes nothing and is reported. After `stop`, any is refused.
	 * @returns what is wrong with it in a sentence, or null
	 */
	applyConfig(text: string): string | null;
	/**
	 * Ends in order: the open blocks are closed into the journal, what waits there is sent while there is a connection
	 * (for 4 s at most), and the connection is closed. Then calls back, each who has called.
	 */
	stop(done?: () => void): void;
}

/**
 * Starts a node. Blocks that were open when the board went down are recovered first.
 * @throws StorageError when a partition is too small
 */
export function startNode(board: Board): RunningNode {
	if (board.watchdog !== undefined) feedWatchdog(board.timers, board.watchdog);
	const node = new Node(board);
	node.start();
	return node;
}

class Node implements RunningNode {
	readonly #board: Board;
	readonly #system: LevelledSystem;
	readonly #settings: NodeSettings;
	readonly #storage: Storage;
	readonly #clock: Clock;
	readonly #uplink: Uplink;
	readonly #streamParts: StreamParts;
	readonly #sensors: readonly SensorPort[];
	readonly #channelIds: readonly string[];
	#config: NodeConfig = DEFAULT_CONFIG;
	#reader: SensorReader | null = null;
	#readings: Stream | null = null;
	#health: Stream | null = null;
	#live: LiveTap | null = null;
	readonly #trial: Trial;
	/** Null on a board without deep sleep. */
	readonly #sleeper: Sleeper | null;
	/** As it was when the node was last connected. */
	#rssi: number | null;
	#stopped = false;
	#droppedBefore: number;
	/** Of streams and readers of former configurations. */
	#missedBefore = 0;
	#faultsBefore = 0;

	constructor(board: Board) {
		this.#board = board;
		this.#system = new LevelledSystem(board.system);
		this.#sensors = usableSensors(board.sensors, this.#system);
		this.#channelIds = this.#sensors.flatMap(({ channels }) =>
			channels.map(({ id }) => id),
		);
		this.#settings = new NodeSettings(board.settings, this.#system);
		this.#storage = openStorage(board, this.#settings, takeRetained(board));
		const { boot, journal, woken } = this.#storage;
		if (woken !== null) this.#system.resetReason = woken.resetReason;
		this.#missedBefore = woken?.missedSamples ?? 0;
		this.#faultsBefore = woken?.sensorFaults ?? 0;
		this.#rssi = woken?.rssi ?? null;
		this.#trial = new Trial(board.slots, this.#system);
		this.#droppedBefore = journal.dropped;
		const { timers, network, identity, time } = board;
		const system = this.#system;
		const settings = this.#settings;
		const chance = (): number => randomFraction(system);
		this.#clock = new Clock({
			timers,
			time,
			settings,
			chance,
			onJump: () => this.#onJump(),
			onAnswer: () => this.#sleeper?.answered(),
		});
		this.#uplink = new Uplink({
			boot,
			system,
			timers,
			settings,
			network,
			identity,
			journal,
			chance,
			onAcknowledged: () => this.#trial.acknowledged(),
		});
		this.#sleeper = this.#makeSleeper();
		this.#streamParts = {
			thing: identity.thing,
			timers,
			boot,
			system,
			journal,
			clock: this.#clock,
			scratch: this.#storage.scratch,
			onBlock: (ref) => this.#onBlock(ref),
		};
	}

	start(): void {
		const { woken } = this.#storage;
		if (woken === null) this.#reportBoot();
		else this.#uplink.resume(woken.uplink);
		const isTold = woken?.told ?? false;
		if (!isTold) this.#publishBoot();
		this.#loadConfig(isTold);
		this.#clock.asksByItself = !this.#config.sleep;
		this.#clock.start(woken?.clock);
		this.#startStreams(woken);
		this.#startUplink();
	}

	#reportBoot(): void {
		const { boot, journal, recovered } = this.#storage;
		this.#system.report({
			event: "boot",
			boot,
			journalId: journal.id,
			resetReason: this.#system.resetReason,
			recoveredSamples: recovered.reduce((sum, b) => sum + b.samples, 0),
		});
		for (const block of recovered) this.#system.report(block);
	}

	#publishBoot(): void {
		const { boot, journal } = this.#storage;
		const { resetReason, board, firmware } = this.#system;
		this.#uplink.publishEvent({
			type: "boot",
			journalId: journal.id,
			boot,
			resetReason,
			board,
			firmware,
			uptimeMs: this.#uptimeMs(),
		});
	}

	/** In the way of the configuration: for good, or for what is due. */
	#startUplink(): void {
		const { sleep } = this.#config;
		this.#uplink.savesBattery = sleep;
		this.#clock.asksByItself = !sleep;
		if (sleep) this.#sleeper?.start();
		else {
			this.#sleeper?.stop();
			this.#uplink.start();
		}
	}

	applyConfig(text: string): string | null {
		if (this.#stopped) return "The node has been stopped.";
		const verdict = this.#judge(text, () => this.#store(text));
		if ("refused" in verdict) return verdict.refused;
		this.#settings.configRefused = false;
		this.#stopStreams();
		this.#startStreams();
		this.#startUplink();
		return null;
	}

	stop(done?: () => void): void {
		if (!this.#stopped) {
			this.#stopped = true;
			this.#stopStreams();
			this.#clock.stop();
			this.#sleeper?.stop();
			if (this.#config.sleep && this.#hasToSend()) this.#uplink.start();
		}
		this.#uplink.finish(FAREWELL_MS, () => done?.());
	}

	/**
	 * One that a later firmware understands may be refused here: it is kept.
	 * @param isTold the cloud knows already what is wrong with it
	 */
	#loadConfig(isTold: boolean): void {
		const stored = this.#settings.get(CONFIG_KEY);
		if (stored === undefined) return;
		const verdict = this.#judge(stored, () => null, isTold);
		if ("ok" in verdict) return;
		if (verdict.isGarbage) this.#settings.reject(CONFIG_KEY, "is no document");
		else this.#settings.configRefused = true;
	}

	/**
	 * Takes a document's configuration, or reports why not.
	 * @param keep makes the document durable before it is taken; returns why it could not, or null
	 */
	#judge(
		text: string,
		keep: () => string | null,
		isTold = false,
	): ConfigVerdict {
		const canSleep = this.#sleeper !== null;
		let verdict = parseConfig(text, this.#channelIds, canSleep);
		if ("ok" in verdict) {
			const refused = keep();
			if (refused === null) {
				this.#config = verdict.ok;
				this.#system.level = verdict.ok.logLevel;
				return verdict;
			}
			verdict = { refused };
		}
		if (isTold) return verdict;
		const reason = verdict.refused;
		const { boot } = this.#storage;
		const uptimeMs = this.#uptimeMs();
		this.#system.report({ event: "config_refused", reason });
		this.#uplink.publishEvent({
			type: "config_refused",
			boot,
			uptimeMs,
			reason,
		});
		return verdict;
	}

	/** @returns why the settings do not take the document, or null */
	#store(text: string): string | null {
		const why = this.#settings.set(CONFIG_KEY, text);
		return why === null ? null : `The configuration cannot be stored: ${why}`;
	}

	/** @param woken what they go on with */
	#startStreams(woken: RetainedState | null = null): void {
		const { timers, network } = this.#board;
		const onTaken = (): void => this.#sleeper?.sampled();
		const settings = this.#settings;
		const config = this.#config;
		const { checkpointMs, liveUntilMs } = config;
		const parts = this.#streamParts;
		this.#reader = new SensorReader(
			this.#sensors,
			config.channels,
			timers,
			this.#system,
		);
		if (this.#reader.channelCount > 0) {
			this.#readings = new Stream(
				parts,
				this.#reader,
				{
					stream: "readings",
					intervalMs: config.sampleIntervalMs,
					spanMs: config.blockSpanMs,
					checkpointMs,
					checkpoints: this.#storage.readings,
					onTaken,
				},
				(stream) => {
					const { builder, recorder } = stream;
					const { clock, scratch } = parts;
					const publish = (bytes: Uint8Array): void =>
						this.#uplink.publishLive(bytes);
					const log = (message: string): void =>
						this.#system.log("error", message);
					this.#live = new LiveTap(
						recorder,
						{ clock, settings, builder, scratch, publish, log },
						liveUntilMs,
					);
					return this.#live;
				},
			);
			this.#startStream(this.#readings, "readings", woken?.readings, 0);
		} else this.#system.log("warn", "The board has no sensors.");
		this.#health = new Stream(
			parts,
			new HealthSource(() => this.#takeFigures(), this.#system, {
				rssi: () => network.rssi() ?? this.#rssi ?? undefined,
			}),
			{
				stream: "health",
				...healthTimes(config),
				checkpointMs,
				checkpoints: this.#storage.health,
				onTaken,
			},
		);
		// One that sleeps takes both at a time.
		const afterMs = config.sleep ? 0 : SETTLE_MS;
		this.#startStream(this.#health, "health", woken?.health, afterMs);
	}

	#startStream(
		stream: Stream,
		name: "readings" | "health",
		woken: RetainedStream | null | undefined,
		afterMs: number,
	): void {
		if (woken == null) {
			stream.start(afterMs);
			return;
		}
		const { open, dueMs } = woken;
		const goesOn = open !== null && stream.builder.suits(open.block);
		stream.resume(dueMs, goesOn ? open : null);
		if (open === null || goesOn) return;
		// The configuration has been changed meanwhile.
		const { journal } = this.#storage;
		this.#system.report(keepBlock(journal, open.block, name));
		stream.recorder.closed(open.block.sequence);
	}

	#stopStreams(): void {
		this.#readings?.stop();
		this.#health?.stop();
		this.#reader?.close();
		this.#missedBefore += this.#readings?.missed ?? 0;
		this.#faultsBefore += this.#reader?.faults ?? 0;
		this.#readings = null;
		this.#health = null;
		this.#reader = null;
		this.#live = null;
	}

	#onJump(): void {
		this.#readings?.recorder.clockChanged();
		this.#health?.recorder.clockChanged();
		this.#live?.clockChanged();
		this.#uplink.timeChanged();
	}

	#onBlock(ref: RecordRef): void {
		const { dropped } = this.#storage.journal;
		if (dropped > this.#droppedBefore)
			this.#system.report({
				event: "dropped",
				blocks: dropped - this.#droppedBefore,
			});
		this.#droppedBefore = dropped;
		this.#uplink.offer(ref);
	}

	#makeSleeper(): Sleeper | null {
		const { deepSleep, timers } = this.#board;
		if (deepSleep === undefined) return null;
		const { boot, journal, woken } = this.#storage;
		const lateMs = woken === null ? 0 : timers.uptimeMs() - woken.wakeAtMs;
		return new Sleeper({
			boot,
			deepSleep,
			timers,
			system: this.#system,
			uplink: this.#uplink,
			clock: this.#clock,
			wakingMs: Math.min(Math.max(lateMs, 0), MAX_WAKING_MS),
			hasToSend: () => this.#hasToSend(),
			maySleep: () => !this.#trial.isOn && journal.isDurable,
			nextSampleMs: () =>
				Math.min(
					this.#readings?.dueMs ?? Number.POSITIVE_INFINITY,
					this.#health?.dueMs ?? Number.POSITIVE_INFINITY,
				),
			onContact: () => {
				this.#rssi = this.#board.network.rssi() ?? this.#rssi;
			},
			capture: (wakeAtMs) => this.#capture(wakeAtMs),
			closeLongest: () => this.#closeLongest(),
			beforeSleep: () => this.#reader?.close(),
		});
	}

	#hasToSend(): boolean {
		return this.#storage.journal.depth > 0 || this.#uplink.hasEvents;
	}

	#capture(wakeAtMs: number): RetainedState {
		const { boot, journal } = this.#storage;
		return {
			journalId: journal.id,
			boot,
			resetReason: this.#system.resetReason,
			told: !this.#uplink.hasEvents,
			clock: this.#clock.retained,
			uplink: this.#uplink.retained,
			missedSamples: this.#missedBefore + (this.#readings?.missed ?? 0),
			sensorFaults: this.#faultsBefore + (this.#reader?.faults ?? 0),
			rssi: this.#rssi,
			wakeAtMs,
			readings: this.#readings?.retained ?? null,
			health: this.#health?.retained ?? null,
		};
	}

	#closeLongest(): boolean {
		const streams = [this.#readings?.builder, this.#health?.builder];
		const [readings = 0, health = 0] = streams.map((builder) =>
			builder === undefined ? 0 : builder.sampleCount * builder.columns.length,
		);
		const longest = readings >= health ? this.#readings : this.#health;
		longest?.recorder.close();
		return Math.max(readings, health) > 0;
	}

	#takeFigures(): HealthFigures {
		const { boot, journal } = this.#storage;
		const reader = this.#reader;
		const uplink = this.#uplink;
		return {
			boot,
			depth: journal.depth,
			dropped: journal.dropped,
			reconnects: uplink.reconnects,
			missedSamples: this.#missedBefore + (this.#readings?.missed ?? 0),
			liveDropped: uplink.liveDropped,
			sensorFaults: this.#faultsBefore + (reader?.faults ?? 0),
			link: uplink.takeLinkState(),
			clock: this.#clock.state,
			sensors: reader?.takeState() ?? SENSOR_CODES.none,
			settings: this.#settings.takeState(),
			journal: this.#journalState(),
		};
	}

	/** It never gets better within a boot. */
	#journalState(): number {
		if (this.#storage.isNewer) return JOURNAL_CODES.newer_version;
		if (!this.#storage.journal.isDurable) return JOURNAL_CODES.not_writable;
		const isCheckpointed =
			this.#readings?.recorder.isCheckpointed !== false &&
			this.#health?.recorder.isCheckpointed !== false;
		return isCheckpointed ? JOURNAL_CODES.ok : JOURNAL_CODES.no_checkpoints;
	}

	#uptimeMs(): number {
		return Math.round(this.#board.timers.uptimeMs());
	}
}

/**
 * What the board retained over a deep sleep, if it is whole. It is taken once: what happens from now on makes it a thing of
 * the past, and a reset must not find it again.
 */
function takeRetained({ deepSleep, system }: Board): RetainedState | null {
	if (deepSleep === undefined || system.resetReason !== "deep_sleep")
		return null;
	const bytes = deepSleep.retained();
	const retained = bytes === undefined ? null : readRetained(bytes);
	deepSleep.retain(NOTHING);
	if (retained === null) system.log("warn", "Nothing was retained.");
	return retained;
}

/** A node that sleeps does not wake for health alone: it takes it together with every n-th reading. */
function healthTimes(config: NodeConfig): {
	readonly intervalMs: number;
	readonly spanMs: number;
} {
	const { sampleIntervalMs, healthIntervalMs, healthSpanMs, sleep } = config;
	const times = Math.max(1, Math.floor(healthIntervalMs / sampleIntervalMs));
	const intervalMs = sleep ? times * sampleIntervalMs : healthIntervalMs;
	return { intervalMs, spanMs: Math.max(healthSpanMs, intervalMs) };
}

/** 0 … 1 */
function randomFraction(system: System): number {
	const bytes = new Uint8Array(2);
	system.random(bytes);
	return ((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)) / 0xffff;
}
