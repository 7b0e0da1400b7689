/** A node: wires sensors, sampler, recorder, journal and uplink together on whatever board it is given. */
import { JOURNAL_CODES, SENSOR_CODES } from "../../protocol/health-states.ts";
import { MAX_BLOCK_BYTES } from "./block-builder.ts";
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
import { SensorReader } from "./sensor-reader.ts";
import { NodeSettings } from "./settings.ts";
import { openStorage, type Storage } from "./storage.ts";
import { Stream, type StreamParts } from "./stream.ts";
import { Uplink } from "./uplink.ts";
import { usableSensors } from "./usable-sensors.ts";

/** Settings key: the configuration document. */
export const CONFIG_KEY = "config";

/** How long a node that is told to end goes on sending. */
const FAREWELL_MS = 4000;

/** Health is looked at when the start is over; by then the time is mostly known, so that the first block has it. */
const SETTLE_MS = 5000;

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
		this.#storage = openStorage(board, this.#settings);
		const { boot, journal } = this.#storage;
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
		});
		this.#streamParts = {
			thing: identity.thing,
			timers,
			boot,
			system,
			journal,
			clock: this.#clock,
			scratch: new Uint8Array(MAX_BLOCK_BYTES),
			onBlock: (ref) => this.#onBlock(ref),
		};
	}

	start(): void {
		const { boot, journal, recovered } = this.#storage;
		const { resetReason, board, firmware } = this.#system;
		const journalId = journal.id;
		this.#system.report({
			event: "boot",
			boot,
			journalId,
			resetReason,
			recoveredSamples: recovered.reduce((sum, b) => sum + b.samples, 0),
		});
		for (const block of recovered) this.#system.report(block);
		const uptimeMs = this.#uptimeMs();
		this.#uplink.publishEvent({
			type: "boot",
			journalId,
			boot,
			resetReason,
			board,
			firmware,
			uptimeMs,
		});
		this.#loadConfig();
		this.#clock.start();
		this.#startStreams();
		this.#uplink.start();
	}

	applyConfig(text: string): string | null {
		if (this.#stopped) return "The node has been stopped.";
		const verdict = this.#judge(text, () => this.#store(text));
		if ("refused" in verdict) return verdict.refused;
		this.#settings.configRefused = false;
		this.#stopStreams();
		this.#startStreams();
		return null;
	}

	stop(done?: () => void): void {
		if (!this.#stopped) {
			this.#stopped = true;
			this.#stopStreams();
			this.#clock.stop();
		}
		this.#uplink.finish(FAREWELL_MS, () => done?.());
	}

	/** One that a later firmware understands may be refused here: it is kept. */
	#loadConfig(): void {
		const stored = this.#settings.get(CONFIG_KEY);
		if (stored === undefined) return;
		const verdict = this.#judge(stored);
		if ("ok" in verdict) return;
		if (verdict.isGarbage) this.#settings.reject(CONFIG_KEY, "is no document");
		else this.#settings.configRefused = true;
	}

	/**
	 * Takes a document's configuration, or reports why not.
	 * @param keep makes the document durable before it is taken; returns why it could not, or null
	 */
	#judge(text: string, keep: () => string | null = () => null): ConfigVerdict {
		let verdict = parseConfig(text, this.#channelIds);
		if ("ok" in verdict) {
			const refused = keep();
			if (refused === null) {
				this.#config = verdict.ok;
				this.#system.level = verdict.ok.logLevel;
				return verdict;
			}
			verdict = { refused };
		}
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

	#startStreams(): void {
		const { timers, network } = this.#board;
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
			this.#readings.start();
		} else this.#system.log("warn", "The board has no sensors.");
		this.#health = new Stream(
			parts,
			new HealthSource(() => this.#takeFigures(), this.#system, network),
			{
				stream: "health",
				intervalMs: config.healthIntervalMs,
				spanMs: config.healthSpanMs,
				checkpointMs,
				checkpoints: this.#storage.health,
			},
		);
		this.#health.start(SETTLE_MS);
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

/** 0 … 1 */
function randomFraction(system: System): number {
	const bytes = new Uint8Array(2);
	system.random(bytes);
	return ((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)) / 0xffff;
}
