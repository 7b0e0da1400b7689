/** The virtual board's side of `firmware/node/ports.ts`. */
import { fetchesUpdates } from "../../../../protocol/update-boards.ts";
import {
	MAX_MESSAGE_BYTES,
	ROOMY_MESSAGE_BYTES,
} from "../../../node/cloud-link.ts";
import type {
	AbortNote,
	Board,
	DeepSleep,
	HeapUse,
	KeyPair,
	KeySwitch,
	LastingMemory,
	LogLevel,
	NodeReport,
	Station,
	System,
	TimeSource,
	Watchdog,
	WifiSwitch,
} from "../../../node/ports.ts";
import type { BoardUpdate } from "../../../node/update-ports.ts";
import { UrlSource } from "../../../node/url-source.ts";
import {
	type BootDocument,
	ExitCode,
	Partition,
	type TurnEvent,
} from "../wire.ts";
import { call, host, post } from "./host.ts";
import { ChannelNetwork } from "./network.ts";
import { ChannelCrypto, ChannelSlots, runningFirmware } from "./slots.ts";
import { ChannelSockets } from "./sockets.ts";
import { ChannelFlash, ChannelSettings } from "./storage.ts";
import { TurnTimers } from "./timers.ts";
import { weatherPort } from "./weather-sensor.ts";

/** From package.json, when the bundle is built: what the firmware is called where no image says another version. */
declare const FIRMWARE_VERSION: string;

class ChannelTime implements TimeSource {
	readonly #asked = new Map<number, (wallMs: number | null) => void>();
	#lastRequest = 0;

	request(callback: (wallMs: number | null) => void): void {
		const request = ++this.#lastRequest;
		this.#asked.set(request, callback);
		post({ op: "time", request });
	}

	answer(request: number, wallMs: number | null): void {
		const callback = this.#asked.get(request);
		this.#asked.delete(request);
		callback?.(wallMs);
	}
}

class ChannelSystem implements System {
	readonly board: string;
	readonly firmware: string;
	readonly resetReason: BootDocument["resetReason"];

	constructor(boot: BootDocument) {
		this.board = boot.board;
		this.firmware = boot.slots?.version ?? FIRMWARE_VERSION;
		this.resetReason = boot.resetReason;
	}

	get maxMessageBytes(): number {
		return fetchesUpdates(this.board) ? ROOMY_MESSAGE_BYTES : MAX_MESSAGE_BYTES;
	}

	random(into: Uint8Array): void {
		into.set(call({ op: "random", length: into.length }));
	}

	heap(): HeapUse {
		// What a collection that came by itself counts as live may be no more for long: this one is exact.
		host.collect();
		const heap = host.heap();
		return {
			usedBytes: heap.chunkUsed + heap.slotUsed - heap.loaded,
			peakBytes: heap.chunkPeak + heap.slotPeak - heap.loaded,
			limitBytes: heap.limit,
		};
	}

	log(level: LogLevel, message: string): void {
		post({ op: "log", level, text: message });
	}

	report(report: NodeReport): void {
		post({ op: "report", json: JSON.stringify(report) });
	}

	restart(): never {
		return host.exit(ExitCode.RESTART);
	}
}

class ChannelSleep implements DeepSleep {
	readonly retainedBytes: number;

	constructor(retainedBytes: number) {
		this.retainedBytes = retainedBytes;
	}

	retained(): Uint8Array | undefined {
		const reply = call({ op: "retained" });
		return reply[0] === 1 ? reply.subarray(1) : undefined;
	}

	retain(bytes: Uint8Array): void {
		if (bytes.length > this.retainedBytes) {
			throw new RangeError(`${bytes.length} bytes cannot be retained.`);
		}
		call({ op: "retain", bytes });
	}

	sleep(durationMs: number): never {
		post({ op: "sleep", durationMs });
		return host.exit(ExitCode.DEEP_SLEEP);
	}
}

class ChannelLasting implements LastingMemory {
	readonly sizeBytes: number;

	constructor(sizeBytes: number) {
		this.sizeBytes = sizeBytes;
	}

	read(offset: number, into: Uint8Array): void {
		into.set(call({ op: "lasting_read", offset, length: into.length }));
	}

	write(offset: number, bytes: Uint8Array): void {
		call({ op: "lasting_write", offset, bytes });
	}
}

class ChannelWatchdog implements Watchdog {
	readonly timeoutMs: number;

	constructor(timeoutMs: number) {
		this.timeoutMs = timeoutMs;
	}

	feed(): void {
		post({ op: "feed" });
	}
}

class ChannelWifi implements WifiSwitch {
	use(station: Station | null): void {
		post({
			op: "wifi",
			station: station === null ? "" : JSON.stringify(station),
		});
	}
}

// Made at load and never written: in flash on a node that preloads modules.
const CHANNEL_KEYS: KeySwitch = Object.freeze({
	use(pair: KeyPair | null): void {
		call({
			op: "use_keys",
			id: pair?.certificateId ?? "",
			certificate: pair?.certificatePem ?? "",
			key: pair?.privateKeyPem ?? "",
		});
	},
});

export class VirtualBoard implements Board {
	readonly system: ChannelSystem;
	readonly timers = new TurnTimers();
	readonly time = new ChannelTime();
	readonly settings = new ChannelSettings();
	readonly network: ChannelNetwork;
	readonly sensors: Board["sensors"];
	readonly identity: Board["identity"];
	readonly journal: ChannelFlash;
	readonly checkpoints: ChannelFlash;
	readonly deepSleep: ChannelSleep;
	readonly watchdog: ChannelWatchdog;
	readonly lasting: ChannelLasting;
	declare readonly abort?: AbortNote;
	readonly wifi = new ChannelWifi();
	declare readonly slots?: ChannelSlots;
	readonly #canUpdate: boolean;
	/** Null until something is fetched. */
	#sockets: ChannelSockets | null = null;

	constructor(boot: BootDocument) {
		this.system = new ChannelSystem(boot);
		this.network = new ChannelNetwork(boot.rssi);
		this.sensors = boot.weatherAddresses.map(weatherPort);
		this.identity = boot.identity;
		this.journal = new ChannelFlash(Partition.JOURNAL, boot.journalBytes);
		this.checkpoints = new ChannelFlash(
			Partition.CHECKPOINTS,
			boot.checkpointBytes,
		);
		this.deepSleep = new ChannelSleep(boot.retainedBytes);
		this.watchdog = new ChannelWatchdog(boot.watchdogMs);
		this.lasting = new ChannelLasting(boot.lastingBytes);
		if (boot.abort !== undefined) this.abort = boot.abort;
		if (boot.slots !== undefined) this.slots = new ChannelSlots(boot.slots);
		this.#canUpdate = boot.slots?.canUpdate === true;
	}

	/** Made each time that it is asked for: a node does so when there is something to do with it. */
	get update(): BoardUpdate | undefined {
		const { slots, timers, system } = this;
		if (slots === undefined || !this.#canUpdate) return undefined;
		return {
			slots,
			crypto: new ChannelCrypto(),
			running: runningFirmware(system.board),
			// The others have an ESP32's memory.
			prefersStreams: !fetchesUpdates(system.board),
			openUrl: (url) => {
				this.#sockets ??= new ChannelSockets();
				return new UrlSource(url, this.#sockets.connect, timers);
			},
		};
	}

	get keys(): KeySwitch {
		return CHANNEL_KEYS;
	}

	/** One turn; time has moved on to it. */
	turn(event: TurnEvent): void {
		if (event.op === "time") this.time.answer(event.request, event.wallMs);
		else {
			this.network.dispatch(event);
			this.#sockets?.dispatch(event);
		}
		this.timers.fire();
	}
}
