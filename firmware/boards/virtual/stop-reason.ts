/** Why a machine stopped: from what its process ended with, and from what was done to it. */
import type { ResetReason } from "../../../protocol/documents.ts";
import type { StopReason } from "./machine-options.ts";
import { ExitCode } from "./wire.ts";

/** An end that the machine itself has brought about. */
export type KnownEnding = "stopped" | "unresponsive" | "power_cut";

/**
 * A crash while it was asked to end is a crash.
 * @param code of the process; null when it was killed
 * @param ending what is being done to it
 * @param bitten whether the watchdog has killed it
 */
export function stopReason(
	code: number | null,
	ending: KnownEnding | undefined,
	bitten: boolean,
): StopReason {
	if (ending === "power_cut") return ending;
	if (bitten) return "watchdog";
	switch (code) {
		case ExitCode.RESTART:
			return "restart";
		case ExitCode.STOPPED:
			return "stopped";
		case ExitCode.OUT_OF_MEMORY:
			return "out_of_memory";
		case ExitCode.STACK_OVERFLOW:
			return "stack_overflow";
		case null:
			return ending === "unresponsive" ? ending : "unknown";
		default:
			return "crash";
	}
}

export function isResetReason(reason: StopReason): reason is ResetReason {
	return (
		reason !== "stopped" &&
		reason !== "unresponsive" &&
		reason !== "power_cut" &&
		reason !== "no_image"
	);
}
