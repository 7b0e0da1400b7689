/**
 * What a node tells of a crash: put together at the start after it, from the board's reason, what the board noted as it aborted, and what
 * the crashed boot had noted of itself. It is kept in lasting memory until the cloud has acknowledged it, so that a board which
 * crashes again before it is connected tells of the last crash, and of how many there were.
 */
import {
	CRASH_REASONS,
	type CrashRecord,
	type ResetReason,
} from "../../protocol/documents.ts";
import { readCrash, readVitals, writeCrash } from "./lasting-layout.ts";
import type { AbortNote, LastingMemory } from "./ports.ts";

/** Longer causes are cut: the event is to be a short one. */
const MAX_CAUSE = 160;

/**
 * At a start that is no wake, before this boot has noted anything of itself.
 * @param boot that begins
 * @returns the crash to tell of: of the boot before or of an earlier one; null where there is none
 */
export function findCrash(
	resetReason: ResetReason,
	boot: number,
	memory: LastingMemory | null,
	abort: AbortNote | undefined,
): CrashRecord | null {
	const untold = memory === null ? null : readCrash(memory);
	const reason = CRASH_REASONS.find((one) => one === resetReason);
	if (reason === undefined) return untold;
	const vitals = memory === null ? null : readVitals(memory);
	const uptimeMs = abort?.uptimeMs ?? vitals?.uptimeMs;
	const bootTimeMs = vitals?.bootTimeMs ?? null;
	const freeBytes = abort?.freeBytes ?? vitals?.freeBytes ?? null;
	const crash: CrashRecord = {
		reason,
		// A boot that ended before it was counted has left what the one before it noted.
		boot: vitals?.boot ?? Math.max(boot - 1, 0),
		...(vitals === null ? {} : { firmware: vitals.firmware }),
		...(uptimeMs === undefined ? {} : { uptimeMs: Math.round(uptimeMs) }),
		...(bootTimeMs === null || uptimeMs === undefined
			? {}
			: { atMs: Math.round(bootTimeMs + uptimeMs) }),
		...(freeBytes === null ? {} : { freeBytes }),
		...(abort === undefined ? {} : { cause: plain(abort.cause) }),
		...(untold === null ? {} : { untold: (untold.untold ?? 0) + 1 }),
	};
	if (memory !== null) writeCrash(memory, crash);
	return crash;
}

/** Cut, and of characters that take one byte each in JSON. */
function plain(cause: string): string {
	let text = "";
	for (let n = 0; n < cause.length && text.length < MAX_CAUSE; n++) {
		const code = cause.charCodeAt(n);
		if (code === 0x22) text += "'";
		else if (code === 0x5c) text += "/";
		else if (code < 0x20) text += " ";
		else text += code < 0x7f ? cause.charAt(n) : "?";
	}
	return text;
}
