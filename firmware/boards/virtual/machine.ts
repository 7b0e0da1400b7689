/** A board made of software with a node on it: an XS process and its peripherals, which outlive it. */
import { EventEmitter } from "node:events";
import { join } from "node:path";
import type { ResetReason } from "../../../protocol/documents.ts";
import type {
	AbortNote,
	NodeReport,
	Settings,
	Station,
} from "../../node/ports.ts";
import { stationOf, WIFI_KEY } from "../../node/wifi-change.ts";
import { FlashFolder } from "./flash-folder.ts";
import { nodeIdentity } from "./identity.ts";
import type {
	MachineEvents,
	MachineOptions,
	StopReason,
} from "./machine-options.ts";
import type { Measures } from "./measures.ts";
import { ApplicationSlots, type Start } from "./peripherals/app-slots.ts";
import {
	type ClockTimer,
	type Release,
	VirtualClock,
} from "./peripherals/clock.ts";
import { CryptoUnit } from "./peripherals/crypto-unit.ts";
import { FlashSupply, NorFlash, PowerCut } from "./peripherals/flash.ts";
import { LastingMemory } from "./peripherals/lasting-memory.ts";
import { PROVISIONED_SSID, VirtualNetwork } from "./peripherals/network.ts";
import { SeededRandom } from "./peripherals/random.ts";
import { RetainedMemory } from "./peripherals/retained-memory.ts";
import { I2CBus, WeatherChip } from "./peripherals/sensors.ts";
import {
	FileSettings,
	MemorySettings,
	PoweredSettings,
} from "./peripherals/settings.ts";
import { WatchdogTimer } from "./peripherals/watchdog.ts";
import { bundlePath, Processor } from "./processor.ts";
import { ProgramFile } from "./program-file.ts";
import { serve } from "./serve.ts";
import { isResetReason, type KnownEnding, stopReason } from "./stop-reason.ts";
import {
	type BootDocument,
	ExitCode,
	type Post,
	type Request,
	type RunningDocument,
	type SlotsDocument,
	type TurnEvent,
} from "./wire.ts";

export type {
	AppOptions,
	MachineEvents,
	MachineExit,
	MachineOptions,
	StopReason,
} from "./machine-options.ts";

export const WEATHER_ADDRESS = 0x44;
const JOURNAL_BYTES = 1 << 20;
const CHECKPOINT_BYTES = 1 << 16;
const RETAINED_BYTES = 4096;
/** As an ESP32's RTC memory has room for, beside what it retains. */
const LASTING_BYTES = 2560;
const WATCHDOG_MS = 60_000;
const PROVISIONED: Station = { ssid: PROVISIONED_SSID };
const REBOOT_MS = 100;
const MAX_REBOOT_MS = 10_000;
/** A machine that has run for so long was well: the next reboot is a quick one again. */
const WELL_MS = 60_000;

export class VirtualMachine extends EventEmitter<MachineEvents> {
	readonly clock: VirtualClock;
	readonly supply = new FlashSupply();
	/** Where random bytes come from when they are to be repeatable. */
	readonly random: SeededRandom | undefined;
	readonly journal: NorFlash;
	readonly checkpoints: NorFlash;
	/** Where they rest: what is changed here takes no power. */
	readonly settings: Settings;
	/** As the node has them. */
	readonly poweredSettings: PoweredSettings;
	readonly bus = new I2CBus();
	readonly weather: WeatherChip;
	readonly network: VirtualNetwork;
	readonly retained: RetainedMemory;
	readonly lasting: LastingMemory;
	/** What the processor said last, since it was started. */
	#lastWords: string | undefined;
	/** Of the abort that the next boot comes after. */
	#abort: AbortNote | undefined;
	readonly crypto = new CryptoUnit();
	/** Where it boots from slots. */
	readonly slots: ApplicationSlots | undefined;
	readonly #program: ProgramFile;
	readonly #watchdog: WatchdogTimer;
	readonly #options: MachineOptions;
	readonly #folder: FlashFolder | undefined;
	#processor: Processor | undefined;
	/** Uptime 0 of this boot, by the clock. */
	#bootMs = 0;
	/** Why the process is about to end, when we know. */
	#ending: KnownEnding | undefined;
	/** The watchdog has reset it. */
	#bitten = false;
	/** How long it is about to sleep. */
	#sleepMs: number | undefined;
	#asleep = false;
	#wake: ClockTimer | undefined;
	#reboot: ClockTimer | undefined;
	#crashes = 0;
	/** Turns begun and not ended; simulated time stands still meanwhile. */
	#turns = 0;
	#hold: Release | undefined;

	/**
	 * Makes the board; `powerOn` starts it.
	 * @throws FlashFolderError when another board has its folder; an Error when its files or credentials cannot be used
	 */
	constructor(options: MachineOptions) {
		super();
		this.#options = options;
		this.clock = options.clock ?? new VirtualClock();
		const { flashDir } = options;
		this.#folder =
			flashDir === undefined ? undefined : new FlashFolder(flashDir);
		try {
			const partition = (name: string, sizeBytes: number) =>
				new NorFlash({
					sizeBytes,
					supply: this.supply,
					...(flashDir === undefined ? {} : { file: join(flashDir, name) }),
				});
			this.journal = partition(
				"journal.bin",
				options.journalBytes ?? JOURNAL_BYTES,
			);
			this.checkpoints = partition(
				"checkpoints.bin",
				options.checkpointBytes ?? CHECKPOINT_BYTES,
			);
			this.settings =
				flashDir === undefined
					? new MemorySettings()
					: new FileSettings(join(flashDir, "settings.json"));
			this.poweredSettings = new PoweredSettings(this.settings, this.supply);
			this.#program = new ProgramFile(this.#bundle, flashDir);
			this.slots = this.#openSlots();
			if (options.config !== undefined) {
				this.settings.set("config", options.config);
			}
			this.weather = new WeatherChip(this.clock, options.weather);
			this.bus.attach(WEATHER_ADDRESS, this.weather);
			this.network = new VirtualNetwork(
				this.clock,
				options.identity.credentials,
				(event) => this.#turn(event),
			);
			this.retained = new RetainedMemory(
				options.retainedBytes ?? RETAINED_BYTES,
			);
			this.lasting = new LastingMemory(LASTING_BYTES, options.seed);
			this.#watchdog = new WatchdogTimer(
				this.clock,
				options.watchdogMs ?? WATCHDOG_MS,
				() => {
					this.#bitten = true;
					this.#hold ??= this.clock.hold();
					this.#processor?.kill();
				},
			);
		} catch (error) {
			this.#folder?.release();
			throw error;
		}
		this.random =
			options.seed === undefined ? undefined : new SeededRandom(options.seed);
	}

	get running(): boolean {
		return this.#processor !== undefined;
	}

	/** In a deep sleep: it does not run, and wakes by itself. */
	get asleep(): boolean {
		return this.#asleep;
	}

	/** ms since this boot; a deep sleep is part of it. */
	uptimeMs(): number {
		return this.clock.nowMs() - this.#bootMs;
	}

	/** What the process takes, or null when it does not run. */
	memory(): { readonly rssBytes: number; readonly pssBytes: number } | null {
		return this.#processor?.memory() ?? null;
	}

	/** What it tells of itself, once it has nothing else to do; null when it does not run. */
	measure(): Promise<Measures | null> {
		return this.#processor?.measure() ?? Promise.resolve(null);
	}

	/** @throws Error where it cannot be updated, or no image has started */
	runningFirmware(): RunningDocument {
		const description = this.slots?.running?.description;
		const key = this.#options.app?.updateKey;
		if (description === undefined || key === undefined)
			throw new Error("The board cannot be updated.");
		const { project, version, secureVersion: securityVersion } = description;
		return { project, version, securityVersion, key };
	}

	/** Boots it after a power cut, or for the first time. No effect when it runs or sleeps. */
	powerOn(): void {
		if (this.#processor !== undefined || this.#asleep) return;
		this.clock.clear(this.#reboot);
		this.supply.restore();
		this.lasting.lose();
		this.#abort = undefined;
		this.#crashes = 0;
		this.#boot("power_on");
	}

	/** Cuts power now: what was volatile is lost. Resolves when the process is gone. */
	powerCut(): Promise<void> {
		this.supply.cut();
		this.#asleep = false;
		this.retained.lose();
		return this.#end("power_cut", (processor) => processor.kill());
	}

	/**
	 * Asks the node to end in good order; kills it when it does not within `patienceMs` of real time. A node that sends what
	 * waits first needs time to go on: let a stepped clock run meanwhile. One that sleeps is woken for it.
	 */
	stop(patienceMs = 5000): Promise<void> {
		if (this.#asleep) this.#boot("deep_sleep");
		return this.#end("stopped", () => {
			this.#turn({ op: "stop" });
			const impatience = setTimeout(() => {
				this.#ending = "unresponsive";
				this.#processor?.kill();
			}, patienceMs);
			this.once("exit", () => clearTimeout(impatience));
		});
	}

	/** Gives the node a configuration document, which it takes into use now, or when it boots. */
	applyConfig(text: string): void {
		if (this.#processor === undefined) this.settings.set("config", text);
		else this.#turn({ op: "config", text });
	}

	/** Lets go of its files. Only when it does not run. */
	close(): void {
		this.clock.clear(this.#reboot);
		this.#asleep = false;
		this.journal.close();
		this.checkpoints.close();
		this.slots?.close();
		this.#folder?.release();
	}

	#end(
		reason: "stopped" | "power_cut",
		how: (processor: Processor) => void,
	): Promise<void> {
		this.clock.clear(this.#reboot);
		const processor = this.#processor;
		if (processor === undefined) return Promise.resolve();
		return new Promise((resolve) => {
			this.once("exit", () => resolve());
			this.#ending = reason;
			how(processor);
		});
	}

	get #bundle(): string {
		const { bundle, board = "virtual" } = this.#options;
		return bundle ?? bundlePath(board);
	}

	#openSlots(): ApplicationSlots | undefined {
		const { app, flashDir, board = "virtual" } = this.#options;
		if (app === undefined) return undefined;
		const slots = new ApplicationSlots({
			board,
			sizeBytes: app.slotBytes,
			supply: this.supply,
			file:
				flashDir === undefined
					? undefined
					: (partition) => join(flashDir, `${partition}.bin`),
		});
		slots.flash(app.image, this.settings);
		return slots;
	}

	/** @returns what starts; undefined when nothing does, and that has been told */
	#bootloader(resetReason: ResetReason): Start | undefined {
		let start: Start | null | undefined;
		try {
			start =
				resetReason === "deep_sleep" ? this.slots?.wake() : this.slots?.boot();
		} catch (error) {
			if (!(error instanceof PowerCut)) throw error;
			this.#standsStill("power_cut");
			return undefined;
		}
		if (start) return start;
		this.emit("log", "error", "No slot has an image that starts.");
		this.#standsStill("no_image");
		return undefined;
	}

	/** It ended before there was a process. As with one, that is not told before who started it has gone on. */
	#standsStill(reason: StopReason): void {
		queueMicrotask(() =>
			this.emit("exit", { reason, code: null, reboots: false }),
		);
	}

	#boot(resetReason: ResetReason): void {
		const { identity, board = "virtual" } = this.#options;
		this.clock.clear(this.#reboot);
		if (resetReason !== "deep_sleep") {
			// A whole number, as deadlines are made: sums of the two are exact, and a deadline reached is never just missed.
			this.#bootMs = Math.floor(this.clock.nowMs());
			this.retained.lose();
		}
		this.#ending = undefined;
		this.#bitten = false;
		this.#asleep = false;
		this.crypto.reset();
		let bundle = this.#bundle;
		let start: Start | undefined;
		if (this.slots !== undefined) {
			start = this.#bootloader(resetReason);
			if (start === undefined) return;
			bundle = this.#program.write(start);
		}
		const station = this.#storedStation;
		if (station !== undefined) this.network.join(station);
		this.network.useKeys(null);
		const processor = new Processor({
			...this.#options,
			kind: board,
			bundle,
			onRequest: (request) => this.#answer(request),
			onPost: (post) => this.#hear(post),
			onLastWords: (text) => {
				this.#lastWords = text;
				this.emit("log", "error", text);
			},
			onExit: (code) => this.#ended(code),
		});
		this.#processor = processor;
		const boot: BootDocument = {
			board,
			resetReason,
			identity: nodeIdentity(identity),
			journalBytes: this.journal.sizeBytes,
			checkpointBytes: this.checkpoints.sizeBytes,
			weatherAddresses: [WEATHER_ADDRESS],
			rssi: -60,
			retainedBytes: this.retained.sizeBytes,
			lastingBytes: this.lasting.sizeBytes,
			...(this.#abort === undefined ? {} : { abort: this.#abort }),
			watchdogMs: this.#watchdog.timeoutMs,
			...(start === undefined ? {} : { slots: this.#slotsDocument(start) }),
		};
		this.#lastWords = undefined;
		this.#abort = undefined;
		this.#turn({ op: "boot", json: JSON.stringify(boot) });
	}

	#slotsDocument({ slot, onTrial, description }: Start): SlotsDocument {
		return {
			running: slot,
			onTrial,
			sizeBytes: this.slots?.slots[0].sizeBytes ?? 0,
			version: description.version,
			canUpdate: this.#options.app?.updateKey !== undefined,
		};
	}

	/** Of a network that a job has set. */
	get #storedStation(): Station | undefined {
		return stationOf(this.settings.get(WIFI_KEY));
	}

	#turn(event: TurnEvent): void {
		const processor = this.#processor;
		if (processor === undefined) return;
		this.#turns++;
		this.#watchdog.turnBegins();
		this.#hold ??= this.clock.hold();
		processor.send(this.uptimeMs(), event);
	}

	#answer(request: Request): Uint8Array {
		try {
			return serve(this, request);
		} catch (error) {
			// Nothing runs without power: the reply will not be read.
			if (error instanceof PowerCut && this.#ending === undefined) {
				this.#ending = "power_cut";
				this.#processor?.kill();
			}
			throw error;
		}
	}

	#hear(post: Post): void {
		switch (post.op) {
			case "idle":
				this.#idle(post.deadlineMs);
				break;
			case "log":
				this.emit("log", post.level, post.text);
				break;
			case "report":
				this.emit("report", JSON.parse(post.json) as NodeReport);
				break;
			case "time":
				this.network.requestTime(post.request);
				break;
			case "mqtt_connect":
				this.network.connect(post.connection, post);
				break;
			case "socket_connect":
				this.network.connectSocket(post.socket, post);
				break;
			case "socket_close":
				this.network.closeSocket(post.socket);
				break;
			case "mqtt_close":
				this.network.close(post.connection, post.graceful);
				break;
			case "feed":
				this.#watchdog.feed();
				break;
			case "wifi":
				this.network.join(
					stationOf(post.station) ?? this.#storedStation ?? PROVISIONED,
				);
				break;
			case "sleep":
				this.#sleepMs = post.durationMs;
				break;
		}
	}

	#idle(deadlineMs: number | null): void {
		this.#program.remove();
		this.#turns--;
		this.clock.clear(this.#wake);
		this.#wake = undefined;
		if (this.#turns > 0 || this.#processor === undefined) return;
		this.#watchdog.turnsEnd();
		if (deadlineMs !== null) {
			this.#wake = this.clock.setAt(this.#bootMs + Math.ceil(deadlineMs), () =>
				this.#turn({ op: "timer" }),
			);
		}
		this.#rest();
	}

	/** No turn is under way: time may go on. */
	#rest(): void {
		const release = this.#hold;
		this.#hold = undefined;
		release?.();
	}

	#ended(code: number | null): void {
		const ranMs = this.uptimeMs();
		const end = stopReason(code, this.#ending, this.#bitten);
		this.#processor = undefined;
		this.#program.remove();
		this.#turns = 0;
		this.clock.clear(this.#wake);
		this.#wake = undefined;
		this.#watchdog.stop();
		this.network.reset();
		if (code === ExitCode.DEEP_SLEEP && this.#ending !== "power_cut") {
			this.#sleep();
			return;
		}
		const reboots = this.#ending === undefined && isResetReason(end);
		if (reboots && end !== "restart" && this.#lastWords !== undefined)
			this.#abort = { cause: this.#lastWords, uptimeMs: Math.round(ranMs) };
		if (reboots) this.#scheduleReboot(end, ranMs);
		this.#rest();
		this.emit("exit", { reason: end, code, reboots });
	}

	#sleep(): void {
		const sleepMs = this.#sleepMs ?? 0;
		this.#asleep = true;
		if (this.#ending === "stopped") {
			// It fell asleep before it heard that it is to end.
			this.#boot("deep_sleep");
			this.#ending = "stopped";
			this.#turn({ op: "stop" });
			return;
		}
		this.#crashes = 0;
		this.#reboot = this.clock.set(
			() => this.#boot("deep_sleep"),
			sleepMs + (this.#options.wakeMs ?? 0),
		);
		this.#rest();
		this.emit("sleep", sleepMs);
	}

	#scheduleReboot(reason: ResetReason, ranMs: number): void {
		if (reason === "restart" || ranMs >= WELL_MS) this.#crashes = 0;
		const delayMs = Math.min(MAX_REBOOT_MS, REBOOT_MS * 2 ** this.#crashes);
		this.#crashes++;
		this.#reboot = this.clock.set(() => this.#boot(reason), delayMs);
	}
}
