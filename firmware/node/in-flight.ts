/** QoS 1 messages that have been sent, or are being sent, and are not acknowledged. */
import type { RecordRef } from "./journal.ts";

/** Allocated once for each place in the window, and used again. */
export class InFlight {
	/** Packet identifier; 0 in a free place. */
	id = 0;
	/** A block in the journal … */
	ref: RecordRef | null = null;
	/** … or an event. */
	bytes: Uint8Array | null = null;
	/** Times it was sent in this boot, over all connections. */
	sends = 0;
	/** Uptime at which it was last sent on this connection; −1 when it has not been. */
	sentAtMs = -1;
	firstSentAtMs = -1;
	/** Acknowledged while a repetition of it was still being written. */
	acknowledged = false;

	take(id: number, ref: RecordRef | null, bytes: Uint8Array | null): void {
		this.id = id;
		this.ref = ref;
		this.bytes = bytes;
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
	readonly places: readonly InFlight[];

	constructor(size: number) {
		const places: InFlight[] = [];
		for (let n = 0; n < size; n++) places.push(new InFlight());
		this.places = places;
	}

	freePlace(): InFlight | null {
		return this.withId(0);
	}

	/** The place of a packet identifier. */
	withId(id: number): InFlight | null {
		for (const place of this.places) if (place.id === id) return place;
		return null;
	}

	holds(ref: RecordRef): boolean {
		for (const place of this.places)
			if (place.ref?.position === ref.position) return true;
		return false;
	}

	/** One that no place holds; counted down from the top, where blocks come last. */
	unusedId(): number {
		let id = 0xffff;
		while (this.withId(id) !== null) id--;
		return id;
	}
}

/** Derived from the sequence, so that a repetition of a block has the same one, whatever came between. */
export function packetIdOf(sequence: number): number {
	return (sequence % 0xffff) + 1;
}
