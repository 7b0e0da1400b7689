/**
 * The messages between a node on the XS host and its peripherals in Node, shared by both sides. The host frames them
 * (host/README.md); here is what is in the frames, and wire-codec.ts puts it into bytes. Requests and posts come from XS,
 * events go to it. An event carries the uptime, which is the time for the whole turn it starts: inside XS, no time
 * passes between.
 */
import type { ResetReason } from "../../../protocol/documents.ts";
import type {
	AbortNote,
	Identity,
	LogLevel,
	MqttPublishOptions,
	MqttSubscription,
	OfflineReason,
} from "../../node/ports.ts";

/** The first byte of a frame: host/channel.h. */
export const FrameKind = Object.freeze({
	CALL: 1,
	REPLY: 2,
	REPLY_ERROR: 3,
	POST: 4,
	EVENT: 5,
	LOG: 6,
	QUERY: 7,
	MEASURES: 8,
} as const);

/** How the host's process ends: host/channel.h, and below them what the firmware itself asks for. */
export const ExitCode = Object.freeze({
	USAGE: 2,
	CHANNEL_CLOSED: 10,
	OUT_OF_MEMORY: 11,
	STACK_OVERFLOW: 12,
	UNCAUGHT_EXCEPTION: 13,
	UNHANDLED_REJECTION: 14,
	SIGNAL: 15,
	ENGINE: 16,
	RESTART: 20,
	STOPPED: 21,
	DEEP_SLEEP: 22,
} as const);

/** The partitions of the flash, by number. */
export const Partition = Object.freeze({
	JOURNAL: 0,
	CHECKPOINTS: 1,
	/** ota_0; ota_1 is the next. The one that runs can be read only. */
	SLOT_0: 2,
} as const);

/** What XS asks and waits for. The answer is bytes: see each. */
export type Request =
	/** → the bytes */
	| {
			readonly op: "flash_read";
			readonly partition: number;
			readonly offset: number;
			readonly length: number;
	  }
	/** → nothing */
	| {
			readonly op: "flash_program";
			readonly partition: number;
			readonly offset: number;
			readonly bytes: Uint8Array;
	  }
	/** → nothing */
	| {
			readonly op: "flash_erase";
			readonly partition: number;
			readonly offset: number;
	  }
	/** → a byte 0 when there is none, or a byte 1 and the value in UTF-8 */
	| { readonly op: "setting_get"; readonly key: string }
	/** → nothing */
	| {
			readonly op: "setting_set";
			readonly key: string;
			readonly value: string;
	  }
	/** → nothing */
	| { readonly op: "setting_delete"; readonly key: string }
	/** Writes `bytes` to the device and reads `length` bytes: → those. Fails when nobody acknowledges. */
	| {
			readonly op: "i2c";
			readonly address: number;
			readonly length: number;
			readonly bytes: Uint8Array;
	  }
	/** → random bytes */
	| { readonly op: "random"; readonly length: number }
	/** → u32: how many bytes may be written next. Fails with "overflow". */
	| {
			readonly op: "mqtt_write";
			readonly connection: number;
			readonly options: MqttPublishOptions | undefined;
			readonly data: Uint8Array;
	  }
	/** → u32: how many bytes may be written next. Fails with "overflow". */
	| {
			readonly op: "mqtt_subscribe";
			readonly connection: number;
			readonly id: number;
			readonly items: readonly MqttSubscription[];
	  }
	/** → a byte 0 when nothing was retained, or a byte 1 and what was */
	| { readonly op: "retained" }
	/** → nothing */
	| { readonly op: "retain"; readonly bytes: Uint8Array }
	/** → the bytes of the memory that outlives resets */
	| {
			readonly op: "lasting_read";
			readonly offset: number;
			readonly length: number;
	  }
	/** → nothing */
	| {
			readonly op: "lasting_write";
			readonly offset: number;
			readonly bytes: Uint8Array;
	  }
	/** → a `RunningDocument` as JSON. Fails where the board cannot be updated. */
	| { readonly op: "running" }
	/** `UpdateSlots.activate`: → nothing */
	| { readonly op: "slot_activate" }
	/** `AppSlots.confirm`: → nothing */
	| { readonly op: "slot_confirm" }
	/** `AppSlots.rollBack`, but for the restart: → nothing */
	| { readonly op: "slot_roll_back" }
	/** Starts SHA-256 number `hash`, in place of one of that number: → nothing */
	| { readonly op: "hash_begin"; readonly hash: number }
	/** → nothing */
	| {
			readonly op: "hash_update";
			readonly hash: number;
			readonly bytes: Uint8Array;
	  }
	/** → 32 bytes */
	| { readonly op: "hash_digest"; readonly hash: number }
	/** → up to `count` bytes of those that wait */
	| {
			readonly op: "socket_read";
			readonly socket: number;
			readonly count: number;
	  }
	/** → u32: how many bytes may be written next. Fails with "overflow". */
	| {
			readonly op: "socket_write";
			readonly socket: number;
			readonly bytes: Uint8Array;
	  }
	/** Of point (65 bytes), hash (32) and signature (64), one behind the other: → a byte 1 when it is one, or 0 */
	| { readonly op: "verify_p256"; readonly bytes: Uint8Array }
	/** `KeySwitch.use`: id, certificate and key, all empty for the provisioned ones. → nothing. Fails when they are of no use. */
	| {
			readonly op: "use_keys";
			readonly id: string;
			readonly certificate: string;
			readonly key: string;
	  };

/** What XS says without waiting. */
export type Post =
	/** A turn has ended; the next timer is due at this uptime, if there is one. */
	| { readonly op: "idle"; readonly deadlineMs: number | null }
	| { readonly op: "log"; readonly level: LogLevel; readonly text: string }
	/** A `NodeReport` as JSON. */
	| { readonly op: "report"; readonly json: string }
	/** Answered by the event `time`. */
	| { readonly op: "time"; readonly request: number }
	| {
			readonly op: "mqtt_connect";
			readonly connection: number;
			readonly host: string;
			readonly port: number;
			readonly id: string;
			readonly clean: boolean;
			readonly keepAliveMs: number;
	  }
	| {
			readonly op: "mqtt_close";
			readonly connection: number;
			readonly graceful: boolean;
	  }
	/** `WifiSwitch.use`: a `Station` as JSON, or "" for the stored one. */
	| { readonly op: "wifi"; readonly station: string }
	| {
			readonly op: "socket_connect";
			readonly socket: number;
			readonly host: string;
			readonly port: number;
			readonly isSecure: boolean;
	  }
	| { readonly op: "socket_close"; readonly socket: number }
	/** Feeds the watchdog. */
	| { readonly op: "feed" }
	/** How long to sleep: the process then exits with `ExitCode.DEEP_SLEEP`. */
	| { readonly op: "sleep"; readonly durationMs: number };

/** What starts a turn of XS. */
export type TurnEvent =
	/** The first event. A `BootDocument` as JSON. */
	| { readonly op: "boot"; readonly json: string }
	| { readonly op: "timer" }
	| {
			readonly op: "time";
			readonly request: number;
			readonly wallMs: number | null;
	  }
	/** `topic` and `byteLength` come with the first part of a message; the parts' bytes come along. */
	| {
			readonly op: "mqtt_readable";
			readonly connection: number;
			readonly more: boolean;
			readonly topic: string | undefined;
			readonly byteLength: number;
			readonly bytes: Uint8Array;
	  }
	| {
			readonly op: "mqtt_writable";
			readonly connection: number;
			readonly count: number;
	  }
	| {
			readonly op: "mqtt_control";
			readonly connection: number;
			readonly operation: number;
			readonly id: number | undefined;
			readonly returnCode: number | undefined;
			/** The codes of a SUBACK. */
			readonly codes: Uint8Array | undefined;
	  }
	| {
			readonly op: "mqtt_error";
			readonly connection: number;
			readonly reason: OfflineReason;
	  }
	/** `SocketOptions` says what these three are. */
	| {
			readonly op: "socket_readable";
			readonly socket: number;
			readonly count: number;
	  }
	| {
			readonly op: "socket_writable";
			readonly socket: number;
			readonly count: number;
	  }
	| {
			readonly op: "socket_end";
			readonly socket: number;
			readonly reason: OfflineReason;
	  }
	/** A configuration document: `RunningNode.applyConfig`. */
	| { readonly op: "config"; readonly text: string }
	/** The node is asked to end in good order: it exits with `ExitCode.STOPPED`. */
	| { readonly op: "stop" };

/** What a board is told when it boots. */
export interface BootDocument {
	readonly board: string;
	readonly resetReason: ResetReason;
	readonly identity: Identity;
	readonly journalBytes: number;
	readonly checkpointBytes: number;
	/** I²C addresses of the weather chips the board is configured to have. */
	readonly weatherAddresses: readonly number[];
	/** dBm */
	readonly rssi: number;
	/** What the memory holds that survives a deep sleep. */
	readonly retainedBytes: number;
	/** What the memory holds that outlives resets. */
	readonly lastingBytes: number;
	/** After an abort: what was noted of it. */
	readonly abort?: AbortNote;
	readonly watchdogMs: number;
	/** Where the board boots from application slots. */
	readonly slots?: SlotsDocument;
}

export interface SlotsDocument {
	/** Number of the slot that runs, 0 or 1. */
	readonly running: number;
	readonly onTrial: boolean;
	/** Of one slot. */
	readonly sizeBytes: number;
	/** Of the image that runs: what the firmware is to call itself. */
	readonly version: string;
	/** Whether the board knows a key that updates are signed with. */
	readonly canUpdate: boolean;
}

/** What is asked for only when it is needed. */
export interface RunningDocument {
	/** What the image that runs says of itself. */
	readonly project: string;
	readonly version: string;
	readonly securityVersion: number;
	/** 130 hex digits. */
	readonly key: string;
}
