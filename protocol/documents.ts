/** The JSON documents that node and cloud exchange, beside blocks. */

/** Why the board last started. */
export type ResetReason =
	| "power_on"
	| "restart"
	| "crash"
	| "out_of_memory"
	| "stack_overflow"
	| "watchdog"
	| "brown_out"
	| "deep_sleep"
	| "unknown";

/** The ends of a boot that nobody wished for, and that were not for want of power. */
export const CRASH_REASONS = [
	"crash",
	"out_of_memory",
	"stack_overflow",
	"watchdog",
] as const satisfies readonly ResetReason[];

export type CrashReason = (typeof CRASH_REASONS)[number];

/** What a node knows of a boot that ended in a crash. Members are absent where nobody knows. */
export interface CrashRecord {
	readonly reason: CrashReason;
	/** The boot that ended so. */
	readonly boot: number;
	/** The version that it ran. */
	readonly firmware?: string;
	/** How long it had run, ms: when that was last noted, a minute before at most. */
	readonly uptimeMs?: number;
	/** When that was, ms since the Unix epoch, as that boot knew the time. */
	readonly atMs?: number;
	/** Of the heap, bytes that were free when that was last looked at. */
	readonly freeBytes?: number;
	/** What the engine said, and where, as far as it can tell: "uncaught exception: TypeError: …". */
	readonly cause?: string;
	/** Crashes before this one of which nothing else could be told: the node was not connected between them. */
	readonly untold?: number;
}

/** Grave ones first. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Sent on the event topic once a boot, as soon as the node is connected. */
export interface BootEvent {
	readonly type: "boot";
	readonly journalId: string;
	readonly boot: number;
	readonly resetReason: ResetReason;
	/** The kind of board: "virtual", "virtual32", "esp32". */
	readonly board: string;
	/** Version of the firmware. */
	readonly firmware: string;
	/** ms since the node started. */
	readonly uptimeMs: number;
	/** Of a crash that has not been told. */
	readonly crash?: CrashRecord;
}

/** Sent when the node refuses a configuration and goes on with the one it had. */
export interface ConfigRefusedEvent {
	readonly type: "config_refused";
	readonly boot: number;
	readonly uptimeMs: number;
	/** Which member is wrong and what it must be, in a sentence. */
	readonly reason: string;
}

/** A line of a node's log. `(boot, number)` identifies it: numbers go on over restarts, and begin anew when power was lost. */
export interface LogLine {
	readonly number: number;
	readonly boot: number;
	readonly uptimeMs: number;
	/** ms since the Unix epoch; absent where the node did not know the time. */
	readonly atMs?: number;
	readonly level: LogLevel;
	readonly text: string;
}

/** A part of the log that a node keeps, oldest line first: sent after a crash, and when it is asked for. Lines come again with each. */
export interface LogEvent {
	readonly type: "log";
	readonly boot: number;
	/** When it was made. */
	readonly uptimeMs: number;
	readonly lines: readonly LogLine[];
}

export type EventDocument = BootEvent | ConfigRefusedEvent | LogEvent;
