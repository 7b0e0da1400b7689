/** QoS 1 messages that have been sent, or are being sent, and are not acknowledged. */
import type { RecordRef } from "./journal.ts";

/** Allocated once for each place in the window, and used again. */
export class InFlight {
	/** Packet identifier; 0 in a free place. */
	id = 0;
	/** A block in the journal … */
	ref: RecordRef | null = null;
	/** … or an event, or a request. */
	bytes: Uint8Array | null = null;
	/** Of a request. */
	topic: string | null = null;
	/** Times it was sent in this boot, over all connections. */
	sends = 0;
	/** Uptime at which it was last sent on this connection; −1 when it has not been. */
	sentAtMs = -1;
	firstSentAtMs = -1;
	/** Acknowledged while a repetition of it was still being written. */
	acknowledged = false;

	take(
		id: number,
		ref: RecordRef | null,
		bytes: Uint8Array | null,
		topic: string | null = null,
	): void {
		this.id = id;
		this.ref = ref;
		this.bytes = bytes;
		this.topic = topic;
		this.sends = 0;
		this.acknowledged = false;
		this.forgetConnection();
	}

	free(): void {
		this.take(0, null, null);
	}

	forgetConnection(): void {
		this.sentAtMs = -1;
		this.firstSentAtMs = -1;
	}

	get lengthBytes(): number {
		return this.ref?.lengthBytes ?? this.bytes?.length ?? 0;
	}
}

/** A fixed number of places; no two hold the same packet identifier. */
export class Window {
	/** Of blocks and events. */
	readonly places: readonly InFlight[];
	/** Of a request: it takes no place from a block. */
	readonly request = new InFlight();
	/** Identifiers of events that must not be given again on this connection. */
	readonly #retired: number[] = [];
	/** Counts events round, so that an identifier comes back as late as may be. */
	#lastEvent = -1;

	constructor(size: number) {
		const places: InFlight[] = [];
		for (let n = 0; n < size; n++) places.push(new InFlight());
		this.places = places;
	}

	/** For a block or an event. */
	freePlace(): InFlight | null {
		for (const place of this.places) if (place.id === 0) return place;
		return null;
	}

	/** The place of a packet identifier. */
	withId(id: number): InFlight | null {
		if (this.request.id === id) return this.request;
		for (const place of this.places) if (place.id === id) return place;
		return null;
	}

	holds(ref: RecordRef): boolean {
		for (const place of this.places)
			if (place.ref?.position === ref.position) return true;
		return false;
	}

	/**
	 * The next identifier for an event or a request: one that no place holds and no late PUBACK can be about. 0 when there is none until
	 * the connection ends.
	 */
	takeEventId(): number {
		for (let n = 0; n < EVENT_IDS; n++) {
			this.#lastEvent = (this.#lastEvent + 1) % EVENT_IDS;
			const id = LAST_BLOCK_ID + 1 + this.#lastEvent;
			if (this.withId(id) === null && !this.#retired.includes(id)) return id;
		}
		return 0;
	}

	/** What had this identifier was sent more than once: more PUBACKs of it may come as long as the connection lasts. */
	retire(id: number): void {
		this.#retired.push(id);
	}

	/** The connection has ended: whatever was acknowledged on it will not be again. */
	startOver(): void {
		this.#retired.length = 0;
		this.request.free();
		for (const place of this.places) {
			if (place.acknowledged) place.free();
			place.forgetConnection();
		}
	}
}

/** Blocks have the identifiers up to here, events and requests those above, SUBSCRIBEs the last: none is taken for another. */
export const LAST_BLOCK_ID = 0xff00;
/** SUBSCRIBEs of a connection have the identifiers from here to the end. */
export const FIRST_SUBSCRIBE_ID = 0xfff0;
export const EVENT_IDS = FIRST_SUBSCRIBE_ID - 1 - LAST_BLOCK_ID;

/** Derived from the sequence, so that a repetition of a block has the same one, whatever came between. */
export function packetIdOf(sequence: number): number {
	return (sequence % LAST_BLOCK_ID) + 1;
}
