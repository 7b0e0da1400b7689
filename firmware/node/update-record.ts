/**
 * What is kept of an update over restarts, in two settings: `update`, which is written a few times, and `updateAt`, written for each
 * range and each sector. A record that makes no sense counts as none.
 *
 *     {"v":1,"id":…,"sha256":…,"phase":…,"kind":…,"slot":…,"version":…,"securityVersion":…[,"nextKey":…][,"tries":…][,"reason":…]}
 *     doneBytes[ takenBytes state…]       decimal, with a space between
 */
import { isKey } from "../../protocol/update-manifest.ts";
import type { DeltaState } from "./delta.ts";
import type { UpdateSettings } from "./update-check.ts";
import type { UpdateReason } from "./update-ports.ts";

const RECORD_KEY = "update";
const PROGRESS_KEY = "updateAt";
const FORM = 1;

/**
 * load: comes in. switch: is whole, and the bootloader is told to start it. trial: has started. done: is confirmed. failed: the image
 * before runs again. What is done or failed is kept until somebody was told.
 */
export type UpdatePhase = "load" | "switch" | "trial" | "done" | "failed";
const PHASES: readonly string[] = [
	"load",
	"switch",
	"trial",
	"done",
	"failed",
] satisfies readonly UpdatePhase[];

export interface UpdateRecord {
	/** The job's. */
	readonly id: string;
	/** Of the manifest's bytes. */
	readonly sha256: string;
	readonly phase: UpdatePhase;
	readonly kind: "image" | "delta";
	/** Which the image goes into. */
	readonly slot: number;
	readonly version: string;
	readonly securityVersion: number;
	readonly nextKey?: string;
	/** How often the bootloader was told. */
	readonly tries?: number;
	/** Why it failed, or why the new image gave itself up. */
	readonly reason?: UpdateReason;
}

export interface UpdateProgress {
	/** Bytes of the image that are in the slot. */
	readonly doneBytes: number;
	/** Of a difference: how much of it that took, and where the decoder is. */
	readonly delta?: { readonly takenBytes: number; readonly state: DeltaState };
}

export class UpdateStore {
	readonly #settings: UpdateSettings;

	constructor(settings: UpdateSettings) {
		this.#settings = settings;
	}

	read(): UpdateRecord | null {
		const text = this.#settings.get(RECORD_KEY);
		return text === undefined ? null : parseRecord(text);
	}

	/** @returns why it could not be stored, or null */
	write(record: UpdateRecord): string | null {
		return this.#settings.set(
			RECORD_KEY,
			JSON.stringify({ v: FORM, ...record }),
		);
	}

	/** Begins anew: no progress of something else is left when the record is there. */
	begin(record: UpdateRecord): string | null {
		return this.#settings.delete(PROGRESS_KEY) ?? this.write(record);
	}

	/** The record goes first: progress alone means nothing. */
	clear(): string | null {
		return (
			this.#settings.delete(RECORD_KEY) ?? this.#settings.delete(PROGRESS_KEY)
		);
	}

	readProgress(): UpdateProgress {
		const none = { doneBytes: 0 };
		const text = this.#settings.get(PROGRESS_KEY);
		if (text === undefined) return none;
		const numbers = text.split(" ").map(Number);
		if (!numbers.every((one) => Number.isSafeInteger(one) && one >= 0))
			return none;
		const [doneBytes = 0, takenBytes, ...state] = numbers;
		return takenBytes === undefined
			? { doneBytes }
			: { doneBytes, delta: { takenBytes, state } };
	}

	/** Whether that is what is there, or nothing is and it is no progress either. */
	hasProgress(progress: UpdateProgress): boolean {
		const numbers = numbersOf(progress);
		const text = this.#settings.get(PROGRESS_KEY);
		return text === undefined
			? numbers.every((one) => one === 0)
			: text === numbers.join(" ");
	}

	writeProgress(progress: UpdateProgress): string | null {
		return this.#settings.set(PROGRESS_KEY, numbersOf(progress).join(" "));
	}
}

function numbersOf({ doneBytes, delta }: UpdateProgress): readonly number[] {
	return delta === undefined
		? [doneBytes]
		: [doneBytes, delta.takenBytes, ...delta.state];
}

function parseRecord(text: string): UpdateRecord | null {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		if (!(error instanceof SyntaxError)) throw error;
		return null;
	}
	if (typeof value !== "object" || value === null) return null;
	const { v, ...record } = value as UpdateRecord & { readonly v: unknown };
	const isRecord =
		v === FORM &&
		[record.id, record.sha256, record.version].every(
			(one) => typeof one === "string",
		) &&
		PHASES.includes(record.phase) &&
		(record.kind === "image" || record.kind === "delta") &&
		Number.isInteger(record.slot) &&
		Number.isInteger(record.securityVersion) &&
		(record.nextKey === undefined || isKey(record.nextKey));
	return isRecord ? record : null;
}
