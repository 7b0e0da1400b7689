/**
 * Which devices are connected, where that is told by events that may come late, twice and in any order: on AWS, IoT
 * Core's lifecycle events. On one machine the broker itself knows, in order, and `Devices` notes it.
 */
import { isThingName } from "../../protocol/topics.ts";
import { StoreError } from "./ports.ts";

/** What the last connection that was heard of is known to have done. */
export interface Presence {
	readonly online: boolean;
	/**
	 * Tells connections of a device apart: the beginning and the end of one have the same, a later one has a greater. After
	 * an hour or more without any connection it may begin at 0 anew.
	 */
	readonly session: number;
	/** When the connection began or ended, ms since the epoch; minutes off at most. */
	readonly atMs: number;
}

/**
 * Keeps presence of things that are no devices as well, for some weeks: whoever becomes a device later shows it from its first
 * moment on.
 */
export interface PresenceStore {
	/** @returns null while nothing that was told of it has been kept */
	get(device: string): Promise<Presence | null>;
	/**
	 * Keeps a presence, and with it in the same write what `Device` shows of it: `online`, and `atMs` as `lastSeenMs` unless
	 * it has been seen later.
	 * @param known what has to be there still
	 * @returns false when something else is there: nothing changed
	 */
	replace(
		device: string,
		known: Presence | null,
		presence: Presence,
	): Promise<boolean>;
}

/**
 * What a message says of the connection that it came over, which nobody may have told of: that it was there then. Whatever
 * is told of a connection of about that time says more.
 */
export function heardOf(atMs: number): Presence {
	return { online: true, session: -1, atMs };
}

/** How far two events are apart whose order is told by their times: more than those are off, less than sessions live on, ms. */
const APART_MS = 30 * 60_000;
/** As often as that, somebody else may be faster: there are no more events of a device at a time. */
const ATTEMPTS = 8;

/** Whether what is told of a device is later than what is known of it. */
export function supersedes(told: Presence, known: Presence | null): boolean {
	if (known === null) return true;
	const sinceMs = told.atMs - known.atMs;
	if (Math.abs(sinceMs) > APART_MS) return sinceMs > 0;
	if (told.session !== known.session) return told.session > known.session;
	return known.online && !told.online;
}

/**
 * "changed": it is what is known now. "outdated": something later is known, or the same. "unknown": it is no name of a
 * thing; clients that are none connect, too.
 */
export type PresenceOutcome = "changed" | "outdated" | "unknown";

/** @throws StoreError */
export async function notePresence(
	store: PresenceStore,
	device: string,
	told: Presence,
): Promise<PresenceOutcome> {
	if (!isThingName(device)) return "unknown";
	for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
		const known = await store.get(device);
		if (!supersedes(told, known)) return "outdated";
		if (await store.replace(device, known, told)) return "changed";
	}
	throw new StoreError(
		"contended",
		`Others have noted the presence of ${device} at the same time, again and again.`,
	);
}
