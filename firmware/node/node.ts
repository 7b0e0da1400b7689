/** A node: wires sensors, sampler, recorder, journal and uplink together on whatever board it is given. */
import type { BootEvent, CrashRecord } from "../../protocol/documents.ts";
import { JOURNAL_CODES } from "../../protocol/health-states.ts";
import type { JobOperation } from "../../protocol/job-documents.ts";
import { Claiming, claimUplink } from "./claiming.ts";
import { Clock } from "./clock.ts";
import { NO_LINK } from "./cloud-link.ts";
import { ConfigKeeper } from "./config-keeper.ts";
import { ConfigShadow } from "./config-shadow.ts";
import { findCrash } from "./crash-record.ts";
import type { HealthFigures } from "./health.ts";
import type { Operation } from "./job.ts";
import { Jobs } from "./jobs.ts";
import type { RecordRef } from "./journal.ts";
import { KeyRing } from "./key-ring.ts";
import { forgetCrash, readCrash } from "./lasting-layout.ts";
import { LevelledSystem } from "./log-filter.ts";
import { LogRing } from "./log-ring.ts";
import { LogUpload } from "./log-upload.ts";
import type { Board, System } from "./ports.ts";
import { FactoryReset, forgetIfAsked, Reboot } from "./restarts.ts";
import { type RetainedState, readRetained } from "./retained-state.ts";
import { Rotation } from "./rotation.ts";
import { NodeSettings } from "./settings.ts";
import { Sleeper } from "./sleeper.ts";
import { openStorage, type Storage } from "./storage.ts";
import { Streams } from "./streams.ts";
import { Updates } from "./updates.ts";
import { Uplink, type UplinkParts } from "./uplink.ts";
import { usableSensors } from "./usable-sensors.ts";
import { feedWatchdog } from "./watchdog.ts";
import { WifiChange } from "./wifi-change.ts";

export { CONFIG_KEY } from "./config-keeper.ts";

/** How long a node that is told to end goes on sending. */
const FAREWELL_MS = 4000;

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
	readonly #ring: LogRing | null;
	readonly #system: LevelledSystem;
	readonly #settings: NodeSettings;
	readonly #storage: Storage;
	readonly #clock: Clock;
	readonly #uplink: Uplink;
	readonly #streams: Streams;
	readonly #keeper: ConfigKeeper;
	readonly #shadow: ConfigShadow;
	readonly #jobs: Jobs;
	readonly #updates: Updates;
	/** Null where nothing but the provisioned certificate is used. */
	#keys: KeyRing | null;
	/** Null as long as the configuration does not let the node sleep. */
	#sleeper: Sleeper | null = null;
	/** From the end of the last sleep until the node ran. */
	readonly #wakingMs: number;
	/** As it was when the node was last connected. */
	#rssi: number | null;
	#stopped = false;
	#droppedBefore: number;
	/** Dropped before the last sleep, and forgotten by the journal since. */
	readonly #droppedUnseen: number;

	constructor(board: Board) {
		this.#board = board;
		this.#ring = LogRing.on(board);
		this.#system = new LevelledSystem(board.system, this.#ring);
		this.#settings = new NodeSettings(board.settings, this.#system);
		const logged = { ...board, system: this.#system };
		forgetIfAsked(logged, this.#settings);
		this.#storage = openStorage(logged, this.#settings, takeRetained(logged));
		const { boot, journal, woken } = this.#storage;
		if (woken !== null) this.#system.resetReason = woken.resetReason;
		this.#rssi = woken?.rssi ?? null;
		const lateMs =
			woken === null ? 0 : board.timers.uptimeMs() - woken.wakeAtMs;
		this.#wakingMs = Math.min(Math.max(lateMs, 0), MAX_WAKING_MS);
		this.#updates = new Updates({
			board,
			system: this.#system,
			settings: this.#settings,
			restart: () => this.restart(),
		});
		this.#droppedBefore = journal.dropped;
		this.#droppedUnseen = Math.max(0, (woken?.dropped ?? 0) - journal.dropped);
		const { timers, network, identity, time } = board;
		const system = this.#system;
		const settings = this.#settings;
		const chance = (): number => randomFraction(system);
		this.#clock = new Clock({
			timers,
			time,
			settings,
			chance,
			onJump: () => this.onJump(),
			onAnswer: () => this.#sleeper?.answered(),
		});
		if (this.#ring !== null) this.#ring.clock = this.#clock;
		this.#keys = KeyRing.ofBoard(board, settings, system);
		const isClaim = this.#keys?.isClaim === true;
		const uplink: UplinkParts = {
			boot,
			system,
			timers,
			settings,
			network,
			identity,
			journal,
			chance,
			scratch: this.#storage.scratch,
		};
		// Until the node is somebody, nothing else is said to the cloud.
		this.#uplink = isClaim
			? claimUplink(uplink)
			: new Uplink({ ...uplink, watch: this.#updates });
		if (!isClaim) this.#uplink.keys = this.#keys;
		const sensors = usableSensors(board.sensors, system);
		this.#keeper = new ConfigKeeper({
			settings,
			channelIds: sensors.flatMap((port) => port.channels.map(({ id }) => id)),
			canSleep: board.deepSleep !== undefined,
			onRefused: (reason) => this.reportRefused(reason),
		});
		const asking = {
			thing: identity.thing,
			link: isClaim ? NO_LINK : this.#uplink.link,
			timers,
			boot,
			chance,
			system,
		};
		this.#shadow = new ConfigShadow({
			...asking,
			keeper: this.#keeper,
			apply: (text) => this.apply(text),
		});
		this.#jobs = new Jobs({
			...asking,
			settings,
			operations: (name) => this.operation(name),
			prefersStreams: board.update?.prefersStreams === true,
			onChange: () => this.#sleeper?.answered(),
		});
		this.#streams = new Streams({
			thing: identity.thing,
			timers,
			boot,
			system,
			settings,
			storage: this.#storage,
			journal,
			sensors,
			clock: this.#clock,
			scratch: this.#storage.scratch,
			network: {
				rssi: () => network.rssi() ?? this.#rssi ?? undefined,
			},
			onBlock: (ref) => this.onBlock(ref),
			takeFigures: () => this.takeFigures(),
			publishLive: (bytes) => {
				if (this.claiming === undefined) this.#uplink.publishLive(bytes);
			},
			onTaken: () => this.#sleeper?.sampled(),
		});
	}

	start(): void {
		const { woken, boot } = this.#storage;
		const keys = this.#keys;
		if (keys !== null) keys.onClaim = () => this.restart();
		const crash = this.findCrash();
		if (this.#ring !== null) this.#ring.boot = boot;
		if (woken === null) {
			this.reportBoot();
			this.#ring?.noteVitals(this.#system.firmware, null);
		} else this.#uplink.resume(woken.uplink);
		const isTold = woken?.told ?? false;
		if (!isTold) this.publishBoot(crash);
		this.#keeper.load(isTold);
		const { config } = this.#keeper;
		this.#system.level = config.logLevel;
		this.#clock.asksByItself = !config.sleep || keys?.isClaim === true;
		this.#clock.start(woken?.clock);
		this.#streams.start(config, woken);
		if (keys?.isClaim) this.claim(keys);
		else this.startUplink();
		this.#updates.begin();
		this.#jobs.start();
	}

	/** While the node has no certificate of its own. */
	private get claiming(): Claiming | undefined {
		return this.#keys?.claiming;
	}

	private claim(keys: KeyRing): void {
		const { timers, identity } = this.#board;
		const system = this.#system;
		keys.claiming = new Claiming({
			thing: identity.thing,
			boot: this.#storage.boot,
			system,
			timers,
			uplink: this.#uplink,
			chance: () => randomFraction(system),
			keys,
			restart: () => this.restart(),
		});
		keys.claiming.start();
	}

	/** @returns null where the board has no use for other keys */
	private rotation(): Rotation | null {
		const { timers, identity, keys } = this.#board;
		if (keys === undefined) return null;
		const system = this.#system;
		this.#keys ??= new KeyRing(identity, keys, this.#settings, system);
		this.#uplink.keys = this.#keys;
		return new Rotation({
			thing: identity.thing,
			link: this.#uplink.link,
			timers,
			boot: this.#storage.boot,
			chance: () => randomFraction(system),
			system,
			keys: this.#keys,
			uplink: this.#uplink,
		});
	}

	/** What a job may have the node do. */
	private operation(name: JobOperation): Operation | null {
		const { timers, wifi } = this.#board;
		const settings = this.#settings;
		const restarting = {
			settings,
			resetReason: this.#system.resetReason,
			restart: () => this.restart(),
		};
		if (name === "reboot") return new Reboot(restarting);
		if (name === "reset") return new FactoryReset(restarting);
		if (name === "logs") return this.logUpload();
		if (name === "update")
			return this.#updates.operation(
				this.#board.identity.thing,
				this.#uplink.link,
			);
		if (name === "wifi" && wifi !== undefined)
			return new WifiChange({ settings, timers, wifi, uplink: this.#uplink });
		if (name === "rotate") return this.rotation();
		return null;
	}

	/** In a turn of its own: ending writes to flash what is open, which takes much of the stack. */
	private restart(): void {
		this.#board.timers.set(() => this.stop(() => this.#system.restart()), 0);
	}

	private reportBoot(): void {
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

	/** The crash that is to be told of, if there is one. */
	private findCrash(): CrashRecord | null {
		const { woken, boot } = this.#storage;
		const memory = this.#ring?.memory ?? null;
		if (woken !== null) return memory === null ? null : readCrash(memory);
		return findCrash(this.#system.resetReason, boot, memory, this.#board.abort);
	}

	private publishBoot(crash: CrashRecord | null): void {
		const { boot, journal } = this.#storage;
		const { resetReason, board, firmware } = this.#system;
		const event: BootEvent = {
			type: "boot",
			journalId: journal.id,
			boot,
			resetReason,
			board,
			firmware,
			uptimeMs: this.uptimeMs(),
		};
		if (crash === null) this.#uplink.publishEvent(event);
		else
			this.#uplink.publishEvent({ ...event, crash }, (isAcknowledged) => {
				if (isAcknowledged) this.onCrashTold();
			});
	}

	/** What led to it follows. */
	private onCrashTold(): void {
		if (this.#ring !== null) forgetCrash(this.#ring.memory);
		this.logUpload().start();
	}

	private logUpload(): LogUpload {
		return new LogUpload({
			ring: this.#ring,
			uplink: this.#uplink,
			timers: this.#board.timers,
			boot: this.#storage.boot,
		});
	}

	/** In the way of the configuration: for good, or for what is due. */
	private startUplink(): void {
		const { sleep } = this.#keeper.config;
		this.#uplink.savesBattery = sleep;
		this.#clock.asksByItself = !sleep;
		if (sleep) {
			this.#sleeper ??= this.makeSleeper();
			this.#sleeper?.start();
		} else {
			this.#sleeper?.stop();
			this.#uplink.start();
		}
	}

	applyConfig(text: string): string | null {
		const refused = this.apply(text);
		if (refused === null) this.#shadow.changed();
		return refused;
	}

	private apply(text: string): string | null {
		if (this.#stopped) return "The node has been stopped.";
		const refused = this.#keeper.apply(text);
		if (refused !== null) return refused;
		const { config } = this.#keeper;
		this.#system.level = config.logLevel;
		this.#streams.stop();
		this.#streams.start(config);
		if (this.claiming === undefined) this.startUplink();
		return null;
	}

	stop(done?: () => void): void {
		if (!this.#stopped) {
			this.#stopped = true;
			this.#streams.stop();
			this.#clock.stop();
			this.#updates.stop();
			this.#sleeper?.stop();
			this.claiming?.stop();
			if (
				this.#keeper.config.sleep &&
				this.claiming === undefined &&
				this.hasToSend()
			)
				this.#uplink.start();
		}
		this.#uplink.finish(FAREWELL_MS, () => done?.());
	}

	private reportRefused(reason: string): void {
		const { boot } = this.#storage;
		const uptimeMs = this.uptimeMs();
		this.#system.report({ event: "config_refused", reason });
		this.#uplink.publishEvent({
			type: "config_refused",
			boot,
			uptimeMs,
			reason,
		});
	}

	private onJump(): void {
		this.#ring?.noteVitals(this.#system.firmware, null);
		this.#streams.clockChanged();
		this.#uplink.timeChanged();
	}

	private onBlock(ref: RecordRef): void {
		const { dropped } = this.#storage.journal;
		if (dropped > this.#droppedBefore)
			this.#system.report({
				event: "dropped",
				blocks: dropped - this.#droppedBefore,
			});
		this.#droppedBefore = dropped;
		this.#uplink.offer(ref);
	}

	/** @returns null on a board without deep sleep */
	private makeSleeper(): Sleeper | null {
		const { deepSleep, timers } = this.#board;
		if (deepSleep === undefined) return null;
		const { boot, journal } = this.#storage;
		return new Sleeper({
			boot,
			deepSleep,
			timers,
			system: this.#system,
			uplink: this.#uplink,
			clock: this.#clock,
			scratch: this.#storage.scratch,
			wakingMs: this.#wakingMs,
			hasToSend: () => this.hasToSend(),
			maySleep: () =>
				!this.#updates.isOnTrial &&
				journal.isDurable &&
				!this.#jobs.isRunning &&
				!this.#uplink.isAsking,
			nextSampleMs: () => this.#streams.nextSampleMs,
			onContact: () => {
				this.#rssi = this.#board.network.rssi() ?? this.#rssi;
			},
			capture: (wakeAtMs) => this.capture(wakeAtMs),
			closeLongest: () => this.#streams.closeLongest(),
			beforeSleep: () => this.#streams.closeSensors(),
		});
	}

	private hasToSend(): boolean {
		return (
			this.#storage.journal.depth > 0 ||
			this.#uplink.hasEvents ||
			this.#uplink.isAsking
		);
	}

	private get dropped(): number {
		return this.#storage.journal.dropped + this.#droppedUnseen;
	}

	private capture(wakeAtMs: number): RetainedState {
		const { boot, journal } = this.#storage;
		return {
			journalId: journal.id,
			boot,
			resetReason: this.#system.resetReason,
			told: !this.#uplink.hasEvents,
			clock: this.#clock.retained,
			uplink: this.#uplink.retained,
			missedSamples: this.#streams.missedSamples,
			sensorFaults: this.#streams.sensorFaults,
			dropped: this.dropped,
			rssi: this.#rssi,
			wakeAtMs,
			...this.#streams.retained,
		};
	}

	private takeFigures(): HealthFigures {
		const { boot, journal } = this.#storage;
		const streams = this.#streams;
		const uplink = this.#uplink;
		return {
			boot,
			depth: journal.depth,
			dropped: this.dropped,
			reconnects: uplink.reconnects,
			missedSamples: streams.missedSamples,
			liveDropped: uplink.liveDropped,
			sensorFaults: streams.sensorFaults,
			link: uplink.takeLinkState(),
			clock: this.#clock.state,
			sensors: streams.takeSensorState(),
			settings: this.#settings.takeState(),
			journal: this.journalState(),
		};
	}

	/** It never gets better within a boot. */
	private journalState(): number {
		if (this.#storage.isNewer) return JOURNAL_CODES.newer_version;
		if (!this.#storage.journal.isDurable) return JOURNAL_CODES.not_writable;
		return this.#streams.areCheckpointed
			? JOURNAL_CODES.ok
			: JOURNAL_CODES.no_checkpoints;
	}

	private uptimeMs(): number {
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

/** 0 … 1 */
function randomFraction(system: System): number {
	const bytes = new Uint8Array(2);
	system.random(bytes);
	return ((bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)) / 0xffff;
}
