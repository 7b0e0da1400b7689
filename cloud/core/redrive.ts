/** Takes dead letters in again: once what was wrong with them, or with us, has been mended. */
import type { IncomingMessage, Ingest } from "./ingest.ts";
import type { DeadLetter, DeadLetterStore } from "./ports.ts";

/** Tried at the same time, so that their writes can share commits. */
const BATCH = 32;

export interface RedriveQuery {
	/** How many letters are looked at, at most. */
	readonly limit: number;
	/** Only letters that are older than this one: the `next` of the time before. */
	readonly beforeId?: number;
	/** Only what this device sent. */
	readonly device?: string;
	/** Only what was put aside for this reason. */
	readonly reason?: string;
}

export interface RedriveReport {
	/** How many were taken in; they are dead letters no longer. */
	readonly taken: number;
	/** How many were refused again; they stay as they were. */
	readonly kept: number;
	/** Where to go on, when there may be older letters. */
	readonly next: number | null;
}

/**
 * A queue of messages that could not be brought to ingest, or by it to the store, in front of the dead letters. On one
 * machine there is none: there a message is acknowledged when it is durable.
 */
export interface DeadLetterQueue {
	/**
	 * Begins to bring its messages back to ingest, which takes them in by and by.
	 * @returns "running" when that had been begun before and goes on still
	 * @throws StoreError
	 */
	redrive(): Promise<"started" | "running">;
}

export class Redrive {
	readonly #letters: Pick<DeadLetterStore, "list" | "remove">;
	readonly #ingest: Pick<Ingest, "take">;

	constructor(deps: {
		readonly deadLetters: Pick<DeadLetterStore, "list" | "remove">;
		readonly ingest: Pick<Ingest, "take">;
	}) {
		this.#letters = deps.deadLetters;
		this.#ingest = deps.ingest;
	}

	/**
	 * Newest first. A letter is removed once what it says is durable: ended in between, it is taken twice, which changes
	 * nothing.
	 * @throws StoreError; what had been taken by then stays so
	 */
	async run(query: RedriveQuery): Promise<RedriveReport> {
		let { beforeId, limit } = query;
		let [taken, kept] = [0, 0];
		while (limit > 0) {
			const asked = Math.min(limit, BATCH);
			const letters = await this.#letters.list({
				limit: asked,
				...(beforeId === undefined ? {} : { beforeId }),
				...(query.device === undefined ? {} : { thing: query.device }),
			});
			const wanted = letters.filter(
				({ reason }) => query.reason === undefined || query.reason === reason,
			);
			const outcomes = await Promise.all(wanted.map((one) => this.#take(one)));
			for (const isTaken of outcomes) isTaken ? taken++ : kept++;
			beforeId = letters.at(-1)?.id ?? beforeId;
			limit -= letters.length;
			if (letters.length < asked) return { taken, kept, next: null };
		}
		return { taken, kept, next: beforeId ?? null };
	}

	/** @returns whether it went in */
	async #take(letter: DeadLetter): Promise<boolean> {
		const refusal = await this.#ingest.take(messageOf(letter));
		if (refusal !== null) return false;
		await this.#letters.remove(letter.id);
		return true;
	}
}

function messageOf(letter: DeadLetter): IncomingMessage {
	const { thing, topic, receivedMs, bytes } = letter;
	return { thing, topic, receivedMs, payload: bytes };
}
