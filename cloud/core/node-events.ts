import {
	type BootEvent,
	CRASH_REASONS,
	type CrashRecord,
	type EventDocument,
	LOG_LEVELS,
	type LogLine,
	type ResetReason,
} from "../../protocol/documents.ts";

const RESET_REASONS: readonly ResetReason[] = [
	"power_on",
	"restart",
	"crash",
	"out_of_memory",
	"stack_overflow",
	"watchdog",
	"brown_out",
	"unknown",
];

const MAX_TEXT = 1024;
const MAX_U32 = 0xffff_ffff;
/** More than fit into the 3 KB that a node sends at once. */
const MAX_LINES = 256;

/** Control characters, and what breaks lines or turns the writing direction: events are shown in terminals. */
const UNSHOWABLE =
	/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Why a document is not an event, in a sentence. */
export class EventError extends Error {
	override readonly name = "EventError";
}

/** @throws EventError when the bytes are not a `NodeEvent` document; members it does not know are passed over */
export function parseEvent(bytes: Uint8Array): EventDocument {
	const document = parseObject(bytes);
	const common = {
		boot: integer(document, "boot", MAX_U32),
		uptimeMs: integer(document, "uptimeMs", Number.MAX_SAFE_INTEGER),
	};
	switch (document.type) {
		case "boot":
			return { type: "boot", ...common, ...bootMembers(document) };
		case "config_refused":
			return {
				type: "config_refused",
				...common,
				reason: text(document, "reason"),
			};
		case "log":
			return { type: "log", ...common, lines: logLines(document.lines) };
		default:
			throw new EventError(
				`"type" must be "boot", "config_refused" or "log", not ${show(document.type)}.`,
			);
	}
}

function bootMembers(
	document: Record<string, unknown>,
): Omit<BootEvent, "type" | "boot" | "uptimeMs"> {
	const journalId = text(document, "journalId");
	if (!/^[0-9a-f]{16}$/.test(journalId)) {
		throw new EventError('"journalId" must be 16 lower-case hex digits.');
	}
	const resetReason = RESET_REASONS.find(
		(reason) => reason === document.resetReason,
	);
	if (resetReason === undefined) {
		throw new EventError(
			`"resetReason" must be one of ${RESET_REASONS.join(", ")}, not ${show(document.resetReason)}.`,
		);
	}
	return {
		journalId,
		resetReason,
		board: text(document, "board"),
		firmware: text(document, "firmware"),
		...(document.crash === undefined
			? {}
			: { crash: crashRecord(document.crash) }),
	};
}

function crashRecord(value: unknown): CrashRecord {
	const crash = objectOf(value, "crash");
	const reason = CRASH_REASONS.find((one) => one === crash.reason);
	if (reason === undefined) {
		throw new EventError(
			`"reason" of a crash must be one of ${CRASH_REASONS.join(", ")}, not ${show(crash.reason)}.`,
		);
	}
	const has = (member: string): boolean => crash[member] !== undefined;
	const time = (member: string): number =>
		integer(crash, member, Number.MAX_SAFE_INTEGER);
	return {
		reason,
		boot: integer(crash, "boot", MAX_U32),
		...(has("firmware") ? { firmware: text(crash, "firmware") } : {}),
		...(has("uptimeMs") ? { uptimeMs: time("uptimeMs") } : {}),
		...(has("atMs") ? { atMs: time("atMs") } : {}),
		...(has("freeBytes") ? { freeBytes: time("freeBytes") } : {}),
		...(has("cause") ? { cause: text(crash, "cause") } : {}),
		...(has("untold") ? { untold: integer(crash, "untold", MAX_U32) } : {}),
	};
}

function logLines(value: unknown): readonly LogLine[] {
	if (!Array.isArray(value) || value.length > MAX_LINES) {
		throw new EventError(`"lines" must be an array of ${MAX_LINES} at most.`);
	}
	return value.map((one: unknown) => {
		const line = objectOf(one, "lines");
		const level = LOG_LEVELS.find((name) => name === line.level);
		if (level === undefined) {
			throw new EventError(
				`"level" must be one of ${LOG_LEVELS.join(", ")}, not ${show(line.level)}.`,
			);
		}
		return {
			number: integer(line, "number", MAX_U32),
			boot: integer(line, "boot", MAX_U32),
			uptimeMs: integer(line, "uptimeMs", Number.MAX_SAFE_INTEGER),
			...(line.atMs === undefined
				? {}
				: { atMs: integer(line, "atMs", Number.MAX_SAFE_INTEGER) }),
			level,
			text: shownText(line, "text"),
		};
	});
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
	let document: unknown;
	try {
		document = JSON.parse(
			new TextDecoder("utf-8", { fatal: true }).decode(bytes),
		);
	} catch (error) {
		throw new EventError("The event is not JSON in UTF-8.", { cause: error });
	}
	return objectOf(document, null);
}

/** @param member that it is the value of; null for the event itself */
function objectOf(
	value: unknown,
	member: string | null,
): Record<string, unknown> {
	if (typeof value === "object" && value !== null && !Array.isArray(value)) {
		return value as Record<string, unknown>;
	}
	throw new EventError(
		member === null
			? "The event is not a JSON object."
			: `"${member}" has what is not a JSON object.`,
	);
}

function integer(
	document: Record<string, unknown>,
	member: string,
	max: number,
): number {
	const value = document[member];
	if (
		typeof value !== "number" ||
		!Number.isInteger(value) ||
		value < 0 ||
		value > max
	) {
		throw new EventError(
			`"${member}" must be an integer from 0 to ${max}, not ${show(value)}.`,
		);
	}
	return value;
}

function text(document: Record<string, unknown>, member: string): string {
	const value = anyText(document, member);
	if (value !== shown(value)) {
		throw new EventError(`"${member}" must not have control characters.`);
	}
	return value;
}

/** As `text`; what must not be shown is put right, since a line of a log may have anything. */
function shownText(document: Record<string, unknown>, member: string): string {
	return shown(anyText(document, member));
}

function anyText(document: Record<string, unknown>, member: string): string {
	const value = document[member];
	if (typeof value === "string" && value.length <= MAX_TEXT) return value;
	throw new EventError(
		`"${member}" must be a string of at most ${MAX_TEXT} characters.`,
	);
}

function shown(value: string): string {
	return value.replace(UNSHOWABLE, "\ufffd");
}

function show(value: unknown): string {
	return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
