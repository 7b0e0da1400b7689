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

export interface PresenceStore {
	/** @returns null when there is no such device; its `presence` is null while no event of it has been kept */
	get(device: string): Promise<{ readonly presence: Presence | null } | null>;
	/**
	 * Keeps a presence, and with it in the same write what `Device` shows of it: `online`, and `atMs` as `lastSeenMs`.
	 * @param known what has to be there still
	 * @returns false when something else is there, or no device: nothing changed
	 */
	replace(
		device: string,
		known: Presence | null,
		presence: Presence,
	): Promise<boolean>;
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
 * "changed": it is what is known now. "outdated": something later is known, or the same. "unknown": there is no such
 * device; clients that are no things of ours connect, too.
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
		const found = await store.get(device);
		if (found === null) return "unknown";
		if (!supersedes(told, found.presence)) return "outdated";
		if (await store.replace(device, found.presence, told)) return "changed";
	}
	throw new StoreError(
		"contended",
		`Others have noted the presence of ${device} at the same time, again and again.`,
	);
}
