/**
 * What waits to be sent and what is under way, and the order of it: repetitions that are due, then events, then blocks
 * that have just been closed, then the backlog, oldest first. Requests to the cloud go beside them, in turns with the
 * rest and one at a time in a place of their own, so that a cloud which does not answer keeps back no block.
 */
import type { EventDocument } from "../../protocol/documents.ts";
import { type InFlight, packetIdOf, Window } from "./in-flight.ts";
import type { Journal, RecordRef } from "./journal.ts";
import { asciiJson } from "./json-message.ts";
import type { System } from "./ports.ts";

const MAX_EVENTS = 8;
const MAX_FRESH = 4;
/** Requests that wait; each asker has few, so more are somebody's fault. */
const MAX_REQUESTS = 8;
/** A request without PUBACK for so long is given up. It is not sent again: whoever asked asks anew. */
export const REQUEST_MS = 30_000;
const NEVER = Number.POSITIVE_INFINITY;

export interface OutboxLimits {
	/** Messages under way at a time. */
	readonly window: number;
	/** Without PUBACK, a message is sent again after this long, and again. */
	readonly resendMs: number;
	/** Without PUBACK for this long, the connection is given up. */
	readonly giveUpMs: number;
}

type OnDone = (isAcknowledged: boolean) => void;

interface Request {
	readonly topic: string;
	readonly bytes: Uint8Array;
	readonly onDone: OnDone | undefined;
}

/** Somebody waits for what becomes of an event. */
interface Waiter {
	readonly event: Uint8Array;
	readonly onDone: OnDone;
	readonly next: Waiter | null;
}

export class Outbox {
	readonly #journal: Journal;
	readonly #system: System;
	readonly #limits: OutboxLimits;
	readonly #window: Window;
	readonly #events: Uint8Array[] = [];
	/** Seldom any. */
	#waiters: Waiter | null = null;
	/** Closed since the connection is up. */
	readonly #fresh: RecordRef[] = [];
	/** The first one may be under way. */
	readonly #requests: Request[] = [];
	#requestWasLast = false;
	/** The backlog has been sent up to here. */
	#cursor: RecordRef | null = null;

	constructor(journal: Journal, system: System, limits: OutboxLimits) {
		this.#journal = journal;
		this.#system = system;
		this.#limits = limits;
		this.#window = new Window(limits.window);
	}

	/** Nothing waits and nothing is under way. */
	get isEmpty(): boolean {
		return (
			this.#journal.depth === 0 &&
			this.#events.length === 0 &&
			this.#requests.length === 0 &&
			this.#window.places.every(({ id }) => id === 0)
		);
	}

	/** Events that the broker has not acknowledged. */
	get hasEvents(): boolean {
		return (
			this.#events.length > 0 ||
			this.#window.places.some(({ id, ref }) => id !== 0 && ref === null)
		);
	}

	/**
	 * Of too many events, the oldest is given up.
	 * @param onDone is told once whether the broker has acknowledged it
	 */
	addEvent(document: EventDocument, onDone?: OnDone): void {
		const event = asciiJson(document);
		if (this.#events.length >= MAX_EVENTS) {
			const oldest = this.#events.shift();
			this.#system.log("warn", "Too many events wait; one is given up.");
			if (oldest !== undefined) this.eventDone(oldest, false);
		}
		this.#events.push(event);
		if (onDone !== undefined)
			this.#waiters = { event, onDone, next: this.#waiters };
	}

	/** Tells whoever waits for an event. */
	eventDone(event: Uint8Array, isAcknowledged: boolean): void {
		let done: OnDone | null = null;
		let left: Waiter | null = null;
		for (let one = this.#waiters; one !== null; one = one.next) {
			if (one.event === event) done = one.onDone;
			else left = { event: one.event, onDone: one.onDone, next: left };
		}
		if (done === null) return;
		this.#waiters = left;
		done(isAcknowledged);
	}

	/** Whether a request has been sent, in whole or in part, and has no PUBACK. */
	get hasRequestUnderWay(): boolean {
		return this.#window.request.id !== 0;
	}

	/** @param onDone is told once whether the broker has acknowledged it */
	addRequest(
		topic: string,
		bytes: Uint8Array,
		onDone?: (isAcknowledged: boolean) => void,
	): void {
		if (this.#requests.length >= MAX_REQUESTS) {
			this.#system.log("error", "Too many requests wait; one is given up.");
			onDone?.(false);
			return;
		}
		this.#requests.push({ topic, bytes, onDone });
	}

	/** A block that goes ahead of the backlog; of too many, the last are left to the backlog. */
	addFresh(ref: RecordRef): void {
		if (this.#fresh.length < MAX_FRESH) this.#fresh.push(ref);
	}

	/**
	 * A new connection: what was under way is sent again, and the backlog is gone through from its start. Requests are given
	 * up: their answers would come to nobody.
	 */
	startOver(): void {
		this.#fresh.length = 0;
		this.#cursor = null;
		this.#window.startOver();
		for (const { onDone } of this.#requests.splice(0)) onDone?.(false);
	}

	/** Gives up the request that has been without PUBACK for too long. */
	expire(nowMs: number): void {
		if (nowMs < this.requestEndsAtMs()) return;
		const { request } = this.#window;
		this.#window.retire(request.id);
		request.free();
		this.#requests.shift()?.onDone?.(false);
	}

	/** When the request under way will be given up; infinite when none is. */
	requestEndsAtMs(): number {
		const { firstSentAtMs } = this.#window.request;
		return firstSentAtMs < 0 ? NEVER : firstSentAtMs + REQUEST_MS;
	}

	/**
	 * The message to send next, in a place of the window; it stays there until it is acknowledged.
	 * @param drained what was written before is on its way: only then is anything repeated
	 * @param mayAsk whether requests may be sent: their answers would be received
	 */
	pick(nowMs: number, drained: boolean, mayAsk = false): InFlight | null {
		const asksFirst = mayAsk && !this.#requestWasLast;
		const place =
			(asksFirst ? this.pickRequest() : null) ??
			this.pickRepetition(nowMs, drained) ??
			this.pickNew() ??
			(mayAsk ? this.pickRequest() : null);
		return place;
	}

	/** The message that `pick` gave has been begun. */
	begun(place: InFlight): void {
		this.#requestWasLast = place.topic !== null;
	}

	/** The message that a PUBACK of packet identifier `id` is for; a block is released from the journal. */
	acknowledge(id: number): InFlight | null {
		const place = id === 0 ? null : this.#window.withId(id);
		if (place === null || place.sends === 0 || place.topic !== null)
			return null;
		if (place.ref !== null) this.release(place.ref);
		else if (place.sends > 1) this.#window.retire(id);
		return place;
	}

	/** @returns whether a PUBACK of packet identifier `id` is for the request under way, which is done then */
	acknowledgeRequest(id: number): boolean {
		const { request } = this.#window;
		if (id === 0 || request.id !== id || request.sends === 0) return false;
		// Its place is free before anybody is told, who may have more to ask.
		request.free();
		this.#requests.shift()?.onDone?.(true);
		return true;
	}

	/** One that the ring had dropped already was counted then. */
	private release(ref: RecordRef): void {
		const { sequence } = ref;
		if (this.#journal.release(ref))
			this.#system.report({ event: "released", sequence });
	}

	/** When a message will have been without PUBACK for too long; infinite when none is under way. */
	giveUpAtMs(): number {
		let atMs = NEVER;
		for (const { firstSentAtMs } of this.#window.places)
			if (firstSentAtMs >= 0)
				atMs = Math.min(atMs, firstSentAtMs + this.#limits.giveUpMs);
		return atMs;
	}

	/** When the next repetition after now becomes due; infinite when none will. */
	nextRepetitionAtMs(nowMs: number): number {
		let atMs = NEVER;
		for (const place of this.#window.places) {
			const dueMs = this.repeatAtMs(place);
			if (dueMs > nowMs) atMs = Math.min(atMs, dueMs);
		}
		return atMs;
	}

	private pickRepetition(nowMs: number, drained: boolean): InFlight | null {
		for (const place of this.#window.places) {
			if (nowMs < this.repeatAtMs(place)) continue;
			if (place.ref !== null && !this.isSound(place.ref)) place.free();
			else if (place.sentAtMs < 0 || drained) return place;
		}
		return null;
	}

	/** On a new connection at once, else when no PUBACK has come in time. */
	private repeatAtMs(place: InFlight): number {
		if (place.id === 0) return NEVER;
		return place.sentAtMs < 0 ? 0 : place.sentAtMs + this.#limits.resendMs;
	}

	private pickNew(): InFlight | null {
		const place = this.#window.freePlace();
		if (place === null) return null;
		if (this.takeEvent(place)) return place;
		const ref = this.nextBlock();
		if (ref === null) return null;
		place.take(packetIdOf(ref.sequence), ref, null);
		return place;
	}

	/** The one that waits for longest, unless another is under way. */
	private pickRequest(): InFlight | null {
		const place = this.#window.request;
		const next = this.#requests[0];
		// One that was picked may not have been begun, for want of room in the connection.
		if (place.id !== 0) return place.sends === 0 ? place : null;
		if (next === undefined) return null;
		const id = this.#window.takeEventId();
		if (id === 0) return null;
		place.take(id, null, next.bytes, next.topic);
		return place;
	}

	private takeEvent(place: InFlight): boolean {
		if (this.#events.length === 0) return false;
		const id = this.#window.takeEventId();
		const event = id === 0 ? undefined : this.#events.shift();
		if (event === undefined) return false;
		place.take(id, null, event);
		return true;
	}

	private nextBlock(): RecordRef | null {
		for (;;) {
			const fresh = this.#fresh[0];
			const ref = fresh ?? this.nextOfBacklog();
			if (ref === null) return null;
			const isUnderWay = this.#window.holds(ref);
			const idIsTaken = this.#window.withId(packetIdOf(ref.sequence)) !== null;
			if (idIsTaken && !isUnderWay) return null;
			if (fresh === undefined) this.#cursor = ref;
			else this.#fresh.shift();
			if (!isUnderWay && this.isSound(ref)) return ref;
		}
	}

	private nextOfBacklog(): RecordRef | null {
		return this.#cursor === null
			? this.#journal.first()
			: this.#journal.next(this.#cursor);
	}

	/** A record that has decayed in flash is of no use to anybody: it counts as dropped. */
	private isSound(ref: RecordRef): boolean {
		if (this.#journal.verify(ref)) return true;
		this.#system.log("error", `Block ${ref.sequence} cannot be read any more.`);
		this.#journal.discard(ref);
		return false;
	}
}
