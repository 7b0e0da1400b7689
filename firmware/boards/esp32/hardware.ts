/** What the chip and its flash give to the node's Board; the network, identity and settings stand beside it. */
import FlashStorage from "embedded:storage/flash";
import FFI from "mc/ffi";
import type {
	AbortNote,
	DeepSleep,
	Flash,
	LastingMemory,
	Watchdog,
} from "../../node/ports.ts";
import { abortNote, RtcLastingMemory } from "./native/lasting.ts";
import { Platform } from "./native/platform.ts";
import { RtcDeepSleep } from "./native/sleep.ts";
import { OtaUpdateSlots } from "./native/update-slots.ts";
import { TaskWatchdog } from "./native/watchdog.ts";
import { PartitionFlash } from "./storage/partition-flash.ts";

/** FFI makes its functions anew for each instance: one is enough. */
export const natives = new FFI();

type Log = (level: "error", message: string) => void;

export interface Hardware {
	readonly platform: Platform;
	readonly deepSleep: DeepSleep;
	readonly watchdog: Watchdog;
	readonly lasting: LastingMemory;
	readonly abort?: AbortNote;
	readonly slots: OtaUpdateSlots;
	readonly journal: Flash;
	readonly checkpoints: Flash;
}

/** @throws Error when partitions.csv is not what was flashed */
export function openHardware(log: Log = traced): Hardware {
	const platform = new Platform(natives);
	platform.watchAborts(globalThis);
	if (platform.settingsErased)
		log(
			"error",
			"NVS could not be read and was erased: the node has to be provisioned anew.",
		);
	const abort = abortNote(natives);
	return {
		platform,
		deepSleep: new RtcDeepSleep(natives),
		watchdog: new TaskWatchdog(natives, log),
		lasting: new RtcLastingMemory(natives),
		...(abort === undefined ? {} : { abort }),
		slots: new OtaUpdateSlots(natives, openPartition, log),
		journal: openPartition("journal"),
		checkpoints: openPartition("checkpoints"),
	};
}

/** @param label a data partition of partitions.csv; or "running" or "nextota", the application slots */
export function openPartition(label: string): Flash {
	return new PartitionFlash(FlashStorage.open({ path: label, mode: "r+" }));
}

function traced(level: "error", message: string): void {
	trace(`${level}: ${message}\n`);
}
