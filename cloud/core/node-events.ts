import type {
	BootEvent,
	EventDocument,
	LogEvent,
	ResetReason,
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

/** Control characters, and what breaks lines or turns the writing direction: events are shown in terminals. */
const UNSHOWABLE =
	/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** Why a document is not an event, in a sentence. */
export class EventError extends Error {
	override readonly name = "EventError";
}

/** @throws EventError when the bytes are not a `NodeEvent` document; members it does not know are passed over */
export function parseEvent(
	bytes: Uint8Array,
): Exclude<EventDocument, LogEvent> {
	const document = parseObject(bytes);
	const common = {
		boot: integer(document, "boot", 0xffff_ffff),
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
		default:
			throw new EventError(
				`"type" must be "boot" or "config_refused", not ${show(document.type)}.`,
			);
	}
}

function bootMembers(
	document: Record<string, unknown>,
): Pick<BootEvent, "journalId" | "resetReason" | "board" | "firmware"> {
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
	};
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
	if (
		typeof document !== "object" ||
		document === null ||
		Array.isArray(document)
	) {
		throw new EventError("The event is not a JSON object.");
	}
	return document as Record<string, unknown>;
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
	const value = document[member];
	if (typeof value !== "string" || value.length > MAX_TEXT) {
		throw new EventError(
			`"${member}" must be a string of at most ${MAX_TEXT} characters.`,
		);
	}
	if (UNSHOWABLE.test(value)) {
		throw new EventError(`"${member}" must not have control characters.`);
	}
	return value;
}

function show(value: unknown): string {
	return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
