/**
 * What a node needs of its board. Every board implements these; nothing in `firmware/node` reaches for a pin, a
 * clock or a socket by itself. The contracts follow what Moddable's modules do, limits included.
 */
import type { LogLevel, ResetReason } from "../../protocol/documents.ts";
import type { BoardUpdate, UpdateReason } from "./update-ports.ts";

/**
 * A partition of NOR flash. Erased bytes read 0xFF; programming can only clear bits (1 → 0). All calls are
 * synchronous and durable when they return. A power cut during `program` leaves the chip's pages (256 bytes) before the
 * one under way programmed, and of that page any of the bits that were to be cleared; during `erase`, a sector in any
 * state.
 */
export interface Flash {
	readonly sizeBytes: number;
	/** What `erase` erases at once: 4,096 on every ESP32. `sizeBytes` is a multiple of it. */
	readonly sectorBytes: number;
	/**
	 * Fills `into` from `offset`. @throws RangeError outside the partition; an Error only where nothing works any more,
	 * as when the supply is gone: a failed `program` or `erase` after which this throws too ends the node
	 */
	read(offset: number, into: Uint8Array): void;
	/** @throws RangeError outside the partition; an Error when the flash reports failure */
	program(offset: number, bytes: Uint8Array): void;
	/** Erases the sector that starts at `offset`. @throws RangeError when `offset` is not a sector's start */
	erase(offset: number): void;
}

/** Small named values that survive a restart (NVS on an ESP32). A `set` is atomic and durable when it returns. */
export interface Settings {
	get(key: string): string | undefined;
	set(key: string, value: string): void;
	delete(key: string): void;
}

export type TimerHandle = { readonly timer: unique symbol } | number | object;

/** Monotonic time and timers. */
export interface Timers {
	/**
	 * Milliseconds since this boot; never goes back, does not follow corrections of wall time. A deep sleep is part of the
	 * boot: it is counted, and a wake goes on from there.
	 */
	uptimeMs(): number;
	/** Calls back once, not before `delayMs` has passed. */
	set(callback: () => void, delayMs: number): TimerHandle;
	/** No effect on a timer that has fired or been cleared. */
	clear(timer: TimerHandle): void;
}

/** A source of wall time (SNTP). */
export interface TimeSource {
	/** Asks once. Calls back exactly once, with ms since the Unix epoch or with null when there was no answer. */
	request(callback: (wallMs: number | null) => void): void;
}

/** An opened ECMA-419 sensor: `sample()` returns the class's sample object, or undefined when none is ready. */
export interface Sensor {
	/** @throws Error when the sensor does not answer; it is then closed and opened again later */
	sample(): object | undefined;
	close(): void;
}

/** A sensor that the board is configured to have, and the channels it adds. */
export interface SensorPort {
	readonly name: string;
	readonly channels: readonly SensorChannel[];
	/** @throws Error when the sensor is not there */
	open(): Sensor;
}

export interface SensorChannel {
	readonly id: string;
	readonly unit: string;
	/** Decimal exponent of a raw count: −2 records hundredths. */
	readonly exponent: number;
	readonly kind: "gauge" | "counter";
	/** Picks this channel's value (in `unit`) out of a sample object; undefined or NaN when it has none. */
	read(sample: object): number | undefined;
}

/** Why a node is not connected. Each is told apart because each is mended by somebody else. */
export type OfflineReason =
	/** There is an access point of that name, and it refuses the password. */
	| "wifi_password"
	/** No access point of that name is in reach. */
	| "wifi_not_found"
	/** No link for another reason: the access point let go, or gave no address. */
	| "wifi"
	/** The name of the endpoint could not be looked up. */
	| "name_lookup"
	/** No TCP connection: nobody listens, or no route. */
	| "tcp"
	/** The TLS handshake failed, or the server's certificate is not to be trusted. */
	| "tls"
	/** The broker refused the connection in its CONNACK (other than for credentials). */
	| "refused"
	/** The broker refused this thing's credentials: in CONNACK, or by closing right after CONNECT. */
	| "auth"
	/** Silence: no CONNACK, no PINGRESP, no PUBACK in time. */
	| "timeout"
	/** The connection was up and the other side ended it. */
	| "closed"
	/** The node itself disconnected. */
	| "stopped";

/** MQTT control packet types, as ECMA-419 clients number them. */
export const MqttOperation = Object.freeze({
	CONNACK: 2,
	PUBLISH: 3,
	PUBACK: 4,
	SUBSCRIBE: 8,
	SUBACK: 9,
	PINGREQ: 12,
	PINGRESP: 13,
	DISCONNECT: 14,
} as const);

export interface MqttControl {
	readonly operation: number;
	/** Packet identifier of PUBACK and SUBACK. */
	readonly id?: number;
	/** Of CONNACK; always 0 here, for another one ends in `onError`. */
	readonly returnCode?: number;
	/** Of SUBACK: for each filter the QoS that was granted, or 0x80 (MQTT 3.1.1, section 3.9.3). */
	readonly payload?: readonly number[];
}

/** One filter of a SUBSCRIBE, as ECMA-419 clients take it. */
export interface MqttSubscription {
	readonly topic: string;
	readonly QoS: 0 | 1;
}

export interface MqttConnectOptions {
	readonly host: string;
	readonly port: number;
	/** MQTT client id. */
	readonly id: string;
	readonly clean: boolean;
	/** ms */
	readonly keepAliveMs: number;
	/**
	 * `count` bytes of an inbound message can be read; the first call for a message has its topic and its length. The client
	 * acknowledges a message of QoS 1 by itself, whatever becomes of it.
	 */
	onReadable(
		count: number,
		info: {
			readonly topic?: string;
			readonly byteLength?: number;
			readonly more: boolean;
		},
	): void;
	/** `count` bytes can be written. */
	onWritable(count: number): void;
	onControl(control: MqttControl): void;
	/** The connection is gone; the client has closed itself. Called at most once. */
	onError(reason: OfflineReason): void;
}

export interface MqttPublishOptions {
	readonly topic: string;
	readonly QoS: 0 | 1;
	/** Packet identifier, 1 … 65,535; the caller's, since Moddable's own counter never wraps. */
	readonly id?: number;
	readonly duplicate?: boolean;
	/** Length of the whole message when `data` is only its first part; further parts follow by `write(data)`. */
	readonly byteLength?: number;
}

/**
 * A connection of the ECMA-419 MQTT client (Moddable's `embedded:network/mqtt/client`), with its limits: it stores
 * nothing and sends nothing again; it has no timeout for CONNACK; it pings by itself and reports a missing PINGRESP
 * after 1.5 × keep-alive; `write` throws when given more than was writable.
 */
export interface MqttConnection {
	/**
	 * Publishes a message, or its first part; without options, the next part of the message under way.
	 * @returns how many bytes may be written next
	 * @throws Error "overflow" when packet header, topic and data exceed what is writable: nothing was written
	 */
	write(data: Uint8Array, options?: MqttPublishOptions): number;
	/**
	 * Sends a SUBSCRIBE; its SUBACK arrives by `onControl`. Not while a message is under way in parts.
	 * @param id packet identifier, the caller's
	 * @returns how many bytes may be written next
	 * @throws Error "overflow" when the packet exceeds what is writable: nothing was written
	 */
	subscribe(items: readonly MqttSubscription[], id: number): number;
	/** Reads up to `count` bytes of the inbound message. */
	read(count: number): Uint8Array;
	/** Sends DISCONNECT when `graceful`, and closes. No callback follows. */
	close(graceful?: boolean): void;
}

export interface Network {
	/** Starts to connect; the outcome arrives by the callbacks, never before this returns. */
	connect(options: MqttConnectOptions): MqttConnection;
	/** Signal strength in dBm, or undefined where there is no radio. */
	rssi(): number | undefined;
}

/** Who the node is and where it reports. */
export interface Identity {
	readonly thing: string;
	readonly host: string;
	readonly port: number;
	/** Changes with the certificate: the session on the broker is kept only while it stays the same. */
	readonly certificateId: string;
	/** The certificate is a claim, which many boards share: with it the node may become the thing, and do nothing else. */
	readonly isClaim?: boolean;
}

/** A key and the certificate for it, as AWS IoT gives them out. */
export interface KeyPair {
	/** SHA-256 of the certificate's DER, 64 lower-case hex digits. */
	readonly certificateId: string;
	readonly certificatePem: string;
	/** RSA, PKCS #8 or PKCS #1. */
	readonly privateKeyPem: string;
}

/** A board whose connections can be made with another key than the one that it was provisioned with. */
export interface KeySwitch {
	/**
	 * Connections are made with this pair from now on, until the next start; null: with the provisioned one. Those that are open
	 * stay so.
	 * @throws Error when the two are no RSA key and its certificate: nothing has changed
	 */
	use(pair: KeyPair | null): void;
}

/**
 * What is live in RAM: neither what the board has in flash (built-ins, the program's functions and classes) nor garbage between two
 * collections is counted, though the latter takes room until the next one.
 */
export interface HeapUse {
	/** Bytes that are live. */
	readonly usedBytes: number;
	/** The most that was live after any collection since boot. */
	readonly peakBytes: number;
	/** What may be used in all; 0 where there is no limit. */
	readonly limitBytes: number;
}

export type { LogLevel };

/** What a node tells those who watch it (the simulator's `--json`, the log of a board). Not sent to the cloud. */
export type NodeReport =
	| {
			readonly event: "boot";
			readonly boot: number;
			readonly journalId: string;
			readonly resetReason: ResetReason;
			readonly recoveredSamples: number;
	  }
	| { readonly event: "online"; readonly boot: number }
	| {
			readonly event: "offline";
			readonly boot: number;
			readonly reason: OfflineReason;
			readonly retryInMs: number;
	  }
	/** A block is durable in the journal. */
	| {
			readonly event: "block";
			readonly boot: number;
			readonly sequence: number;
			readonly samples: number;
			readonly bytes: number;
			readonly stream: "readings" | "health";
	  }
	/** The cloud has acknowledged a block and the journal has let go of it. */
	| { readonly event: "released"; readonly sequence: number }
	| { readonly event: "dropped"; readonly blocks: number }
	| { readonly event: "config_refused"; readonly reason: string }
	/** How far an update is, and what became of it: `reason` when it failed. */
	| {
			readonly event: "update";
			/** Id of the job. */
			readonly job: string;
			readonly step:
				| "checking"
				| "loading"
				| "verifying"
				| "restarting"
				| "confirmed"
				| "failed";
			/** Of the image, while it loads. */
			readonly percent?: number;
			readonly reason?: UpdateReason;
	  }
	/** The node sleeps until its next sample; the wake is part of the same boot. */
	| {
			readonly event: "sleep";
			readonly boot: number;
			readonly forMs: number;
	  };

export interface System {
	/** "virtual", "virtual32", "esp32", … */
	readonly board: string;
	readonly firmware: string;
	readonly resetReason: ResetReason;
	/** The longest message from the cloud that there is memory for; `MAX_MESSAGE_BYTES` where the board does not say. */
	readonly maxMessageBytes?: number;
	/** Fills with unpredictable bytes. */
	random(into: Uint8Array): void;
	/** May collect garbage first, which takes its time. */
	heap(): HeapUse;
	log(level: LogLevel, message: string): void;
	report(report: NodeReport): void;
	/** Restarts the board. Does not return. */
	restart(): never;
}

/** Deep sleep: all but the real-time clock and a little memory is off, and a wake starts the program anew. */
export interface DeepSleep {
	/** How much `retain` takes at most. */
	readonly retainedBytes: number;
	/** What was retained when the board went to sleep; undefined after any other start. Unchecked: it may be damaged. */
	retained(): Uint8Array | undefined;
	/** Puts bytes where they survive a deep sleep, though no loss of power and no other reset. @throws RangeError */
	retain(bytes: Uint8Array): void;
	/** Sleeps for `durationMs` and starts anew, with reset reason "deep_sleep". Does not return. */
	sleep(durationMs: number): never;
}

/**
 * A little memory that holds what was written through every reset, though not through a loss of power: after that it holds anything.
 * A reset during `write` leaves any part of the bytes written.
 */
export interface LastingMemory {
	readonly sizeBytes: number;
	/** Fills `into` from `offset`. @throws RangeError */
	read(offset: number, into: Uint8Array): void;
	/** @throws RangeError */
	write(offset: number, bytes: Uint8Array): void;
}

/** What a board noted when it aborted the program before this start. */
export interface AbortNote {
	/** What was wrong, and where, as far as the engine could tell. */
	readonly cause: string;
	/** How long the boot that ended so had run; absent where it was not noted. */
	readonly uptimeMs?: number;
	/** Of the heap; absent where it was not noted. */
	readonly freeBytes?: number;
}

/** A wireless network. */
export interface Station {
	readonly ssid: string;
	/** None for an open network. */
	readonly password?: string;
}

/** The Wi-Fi of a board that can be told another network. */
export interface WifiSwitch {
	/**
	 * Leaves the network that is used, and joins this one from now on, until the next start; null: the one that is stored
	 * (setting `wifi`, else the provisioned one). Connections end.
	 */
	use(station: Station | null): void;
}

/** Resets the board, with reset reason "watchdog", when it has not been fed for `timeoutMs`. */
export interface Watchdog {
	readonly timeoutMs: number;
	feed(): void;
}

/** The application slots, as the bootloader sees them. */
export interface AppSlots {
	/** The running image is on trial: unless it is confirmed, the bootloader goes back at the next start. */
	readonly onTrial: boolean;
	/** Keeps the running image. @throws Error with the platform's code when that could not be written */
	confirm(): void;
	/** Marks the running image invalid and restarts into the one before. @throws Error when there is none */
	rollBack(): never;
}

/** All that a board gives to a node. */
export interface Board {
	readonly system: System;
	readonly timers: Timers;
	readonly time: TimeSource;
	readonly settings: Settings;
	readonly network: Network;
	readonly sensors: readonly SensorPort[];
	readonly identity: Identity;
	/** Ring of finished blocks; ≥ 1 MB on a board with 4 MB of flash, at least 4 sectors anywhere. */
	readonly journal: Flash;
	/** Increments of the open blocks; ≥ 64 KB. */
	readonly checkpoints: Flash;
	/** Where the board can sleep. */
	readonly deepSleep?: DeepSleep;
	/** Where the board has one: the node feeds it for as long as its timers turn. */
	readonly watchdog?: Watchdog;
	/** Where the board boots from slots: enough for an image on trial, however it came there. */
	readonly slots?: AppSlots;
	/** Where the board has slots and knows a key that updates are signed with. */
	readonly update?: BoardUpdate | undefined;
	/** Where the board has some: the last of the log is kept there, and what is known of a crash. */
	readonly lasting?: LastingMemory;
	/** After an abort, where the board could note anything of it. */
	readonly abort?: AbortNote;
	/** Where the board has Wi-Fi. */
	readonly wifi?: WifiSwitch;
	/** Where the node may have another key than the provisioned one. */
	readonly keys?: KeySwitch;
}
