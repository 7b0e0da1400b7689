/** What a machine is made of, and what it tells of itself. */
import type { ResetReason } from "../../../protocol/documents.ts";
import type { LogLevel, NodeReport } from "../../node/ports.ts";
import type { MachineIdentity } from "./identity.ts";
import type { VirtualClock } from "./peripherals/clock.ts";
import type { WeatherOptions } from "./peripherals/weather.ts";
import type { ProcessorKind, ProcessorSizes } from "./processor.ts";

export interface MachineOptions extends ProcessorSizes {
	readonly identity: MachineIdentity;
	/** "virtual" by default. */
	readonly board?: ProcessorKind;
	/** Real time of its own by default; machines may share one. */
	readonly clock?: VirtualClock;
	/** Where flash and settings rest; in memory, as long as this object, by default. */
	readonly flashDir?: string;
	/** Bytes of the journal's partition; 1 MB by default. */
	readonly journalBytes?: number;
	/** Bytes of the checkpoints' partition; 64 KB by default. */
	readonly checkpointBytes?: number;
	/** Bytes that survive a deep sleep; 4,096 by default. */
	readonly retainedBytes?: number;
	/** From the end of a deep sleep until the program runs; 0 by default. */
	readonly wakeMs?: number;
	/** Of simulated time, and of real time within a turn; 60 s by default. */
	readonly watchdogMs?: number;
	readonly weather?: WeatherOptions & { readonly record?: boolean };
	/** A configuration document, put into the setting "config". */
	readonly config?: string;
	/** Makes the node's random numbers repeatable. */
	readonly seed?: number;
	/** The program to run, on qemu the content of the flash; the firmware by default. Where the board boots from slots it is theirs that runs. */
	readonly bundle?: string;
	/** Has it boot from application slots, as an ESP32 does. */
	readonly app?: AppOptions;
	/** On qemu, lets `measure` tell instructions: see `QemuOptions`. */
	readonly countInstructions?: boolean;
}

export interface AppOptions {
	/**
	 * An application image for this kind of board (tools/build/image.ts makes one), flashed into slot 0 unless it was the one that was
	 * flashed last. Machines in memory share the bytes.
	 */
	readonly image: Uint8Array;
	/** Bytes of one slot; as on an ESP32 by default. */
	readonly slotBytes?: number;
	/** The public key that updates are to be signed with (130 hex digits); without one there are none. */
	readonly updateKey?: string;
}

/** Why a machine stopped running. */
export type StopReason =
	/** `stop()`, in good order */
	| "stopped"
	/** It did not end when `stop()` asked it to, and was killed. */
	| "unresponsive"
	/** `powerCut()`, or the cut set on the flash. */
	| "power_cut"
	/** No slot has an image that starts. */
	| "no_image"
	/** It resets by itself, with this reason. */
	| ResetReason;

export interface MachineExit {
	readonly reason: StopReason;
	/** Of the process; null when it was killed. */
	readonly code: number | null;
	/** Whether it boots again by itself. */
	readonly reboots: boolean;
}

export interface MachineEvents {
	report: [NodeReport];
	log: [LogLevel, string];
	exit: [MachineExit];
	/** It sleeps for so many ms, and wakes by itself; this is no exit. */
	sleep: [number];
}
