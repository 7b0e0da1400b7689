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
}

/** Sent when the node refuses a configuration and goes on with the one it had. */
export interface ConfigRefusedEvent {
	readonly type: "config_refused";
	readonly boot: number;
	readonly uptimeMs: number;
	/** Which member is wrong and what it must be, in a sentence. */
	readonly reason: string;
}

export type EventDocument = BootEvent | ConfigRefusedEvent;
