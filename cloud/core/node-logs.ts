/**
 * What nodes tell of their crashes, and of their logs: how it is kept, and what the cloud makes of what comes.
 * Times are integers in ms since the Unix epoch, UTC.
 */
import type {
	BootEvent,
	CrashReason,
	LogEvent,
	LogLevel,
} from "../../protocol/documents.ts";
import { ifCanBe } from "./believable.ts";
import { DAY_MS } from "./spans.ts";

/** Of a line, from when it came. */
export const LOG_RETENTION_MS = 30 * DAY_MS;
/** Of a crash, from when it was told. */
export const CRASH_RETENTION_MS = 90 * DAY_MS;

/** Of a device, `(boot, number)` identifies it. */
export interface KeptLine {
	readonly boot: number;
	readonly number: number;
	readonly uptimeMs: number;
	/** When it was written: as the node knew, or, where `isLatest`, no later than that. */
	readonly atMs: number;
	readonly isLatest: boolean;
	readonly level: LogLevel;
	readonly text: string;
	readonly receivedMs: number;
}

/** `(device, boot, uptimeMs)` identifies it: a node tells of it in the same words until that has been acknowledged. */
export interface KeptCrash {
	readonly device: string;
	/** The boot that ended so. */
	readonly boot: number;
	readonly uptimeMs: number | null;
	readonly reason: CrashReason;
	readonly board: string;
	/** The version that crashed. */
	readonly firmware: string | null;
	/** When it happened, as the node knew the time. */
	readonly atMs: number | null;
	readonly freeBytes: number | null;
	readonly cause: string | null;
	/** Crashes before it that were not told of. */
	readonly untold: number;
	/** When the node told of it first. */
	readonly toldMs: number;
}

/** Where a list of lines goes on. */
export type LinePosition = Pick<KeptLine, "boot" | "number">;
/** Where a list of crashes goes on. */
export type CrashPosition = Pick<
	KeptCrash,
	"device" | "boot" | "uptimeMs" | "toldMs"
>;

/** Lines and crashes go when their retention is over, or some days later. */
export interface LogStore {
	/** Keeps lines of a device. One that is there already stays as it is. @throws StoreError */
	addLines(device: string, lines: readonly KeptLine[]): Promise<void>;
	/** Those of a device, newest first: by boot, then number. */
	lines(
		device: string,
		options: { readonly limit: number; readonly after?: LinePosition },
	): Promise<readonly KeptLine[]>;
	/** Keeps a crash. One that is there already stays as it is. @throws StoreError */
	addCrash(crash: KeptCrash): Promise<void>;
	/** Newest first: those of a device by boot and uptime; those of all by when they were told, then by device, boot and uptime. */
	crashes(options: {
		readonly limit: number;
		readonly after?: CrashPosition;
		readonly device?: string;
	}): Promise<readonly KeptCrash[]>;
	/** Removes all lines and crashes of a device. No effect where there are none. @throws StoreError: asking again does the rest */
	removeThing(device: string): Promise<void>;
}

/** The crash that a boot event tells of; null where it tells of none. */
export function crashOf(
	device: string,
	{ crash, board }: BootEvent,
	receivedMs: number,
): KeptCrash | null {
	if (crash === undefined) return null;
	return {
		device,
		boot: crash.boot,
		uptimeMs: crash.uptimeMs ?? null,
		reason: crash.reason,
		board,
		firmware: crash.firmware ?? null,
		atMs: ifCanBe(crash.atMs ?? null, 0, receivedMs),
		freeBytes: crash.freeBytes ?? null,
		cause: crash.cause ?? null,
		untold: crash.untold ?? 0,
		toldMs: receivedMs,
	};
}

/**
 * The lines of an event, placed in time: one whose node did not know the time by the next one of its boot, or by the event itself, else
 * no later than what follows it.
 */
export function linesOf(
	{ boot, uptimeMs, lines }: LogEvent,
	receivedMs: number,
): readonly KeptLine[] {
	const kept: KeptLine[] = [];
	let next = { boot, uptimeMs, atMs: receivedMs, isLatest: false };
	for (const line of [...lines].reverse()) {
		const known = ifCanBe(line.atMs ?? null, 0, receivedMs);
		const isSameBoot = line.boot === next.boot;
		const beforeMs = isSameBoot
			? Math.max(next.uptimeMs - line.uptimeMs, 0)
			: 0;
		const atMs = known ?? next.atMs - beforeMs;
		const isLatest = known === null && (next.isLatest || !isSameBoot);
		next = { boot: line.boot, uptimeMs: line.uptimeMs, atMs, isLatest };
		const { number, level, text } = line;
		kept.push({
			boot: line.boot,
			number,
			uptimeMs: line.uptimeMs,
			atMs,
			isLatest,
			level,
			text,
			receivedMs,
		});
	}
	return kept.reverse();
}
