/**
 * What the cloud's core needs of the world. `cloud/local` implements these on one machine, `cloud/aws` on AWS; every
 * adapter passes the contract suite that stands beside this file.
 * Times are integers in ms since the Unix epoch, UTC. Ranges are half open: [from, to).
 */
import type {
	BlockIdentity,
	Channel,
	ChannelKind,
} from "../../protocol/block.ts";
import type { ResetReason } from "../../protocol/documents.ts";
import type { AlertStore } from "./alerts/ports.ts";
import type { LogStore } from "./node-logs.ts";

export interface Clock {
	nowMs(): number;
}

/** A block: its bytes, and of its header what a store keeps it by. */
export interface StoredBlock extends BlockIdentity {
	readonly thing: string;
	/**
	 * The start, when the node had it from network time and it can be believed; else null. It never changes: a block
	 * without it is placed in time when it is read.
	 */
	readonly startMs: number | null;
	/** From the first sample's time to one interval after the last one's, ms. */
	readonly spanMs: number;
	readonly receivedMs: number;
	readonly bytes: Uint8Array;
}

/** A block on its way into the store. */
export interface NewBlock extends StoredBlock {
	/**
	 * The start as its node stamped it by network time, believed or not; null when it did not. Like the bytes it is always the
	 * same, while the same block, sent again later, may be believed that was not at first: a store that keeps blocks by their
	 * starts knows it again by this. Where it is left out it is `startMs`.
	 */
	readonly stampedMs?: number | null;
}

export type PutOutcome =
	/** It is there now and was not before. */
	| "stored"
	/** The same identity with the same bytes was there already; nothing changed. */
	| "duplicate"
	/**
	 * The same identity with other bytes was there already; nothing changed. A store that keeps blocks by their starts
	 * may see this only where both have the same start or none.
	 */
	| "conflict";

/** Where reading a range goes on: opaque to callers, made by the store. */
export type StoreCursor = string;

export interface BlockPage {
	readonly blocks: readonly StoredBlock[];
	/** Null when there is nothing more. */
	readonly next: StoreCursor | null;
}

/** Blocks without a start. Empty when there are no more for now, and then only. */
export interface UntimedPage {
	readonly blocks: readonly StoredBlock[];
	/** Where reading goes on, at once or when more have come. */
	readonly next: StoreCursor;
}

export interface BlockStore {
	/**
	 * Stores blocks, each of which stands for itself.
	 * @returns an outcome for each, when all of them are durable
	 * @throws StoreError when it cannot be said that they are; a put may then be repeated
	 */
	put(blocks: readonly NewBlock[]): Promise<readonly PutOutcome[]>;
	/** The blocks of a thing that share any time with the range, by start, oldest first. */
	range(
		thing: string,
		fromMs: number,
		toMs: number,
		limit: number,
		after?: StoreCursor,
	): Promise<BlockPage>;
	/** The blocks of a thing that start before a time, newest first, without regard to how long they are. */
	before(
		thing: string,
		beforeMs: number,
		limit: number,
		after?: StoreCursor,
	): Promise<BlockPage>;
	/**
	 * The blocks of a thing whose `startMs` is null, as they arrived: whoever keeps a cursor is given each of them,
	 * whenever it comes. One that has been given may be given again, but not for ever: pages do become empty. A reading
	 * goes on to the empty page, and the next one begins at that page's `next`: at an earlier one it may find the empty page.
	 */
	untimed(
		thing: string,
		limit: number,
		after?: StoreCursor,
	): Promise<UntimedPage>;
	/** Those of the identities whose blocks are there without a start, each once, in any order. */
	getUntimed(
		thing: string,
		identities: readonly BlockIdentity[],
	): Promise<readonly StoredBlock[]>;
}

/** A message that could not be taken in, kept so that nothing is lost and somebody can look. */
export interface DeadLetter {
	/** Made by the store, ascending. */
	readonly id: number;
	readonly thing: string;
	readonly topic: string;
	/** A name: a BlockErrorReason, "identity_conflict", "bad_event", "wrong_topic", "unknown_topic", "too_many_channels", "bad_envelope". */
	readonly reason: string;
	/** A sentence for people. */
	readonly detail: string;
	readonly receivedMs: number;
	readonly bytes: Uint8Array;
}

export interface DeadLetterStore {
	/** Durable when it resolves. @throws StoreError */
	add(letter: Omit<DeadLetter, "id">): Promise<void>;
	/** Newest first. */
	list(options: {
		readonly limit: number;
		readonly beforeId?: number;
		readonly thing?: string;
	}): Promise<readonly DeadLetter[]>;
	get(id: number): Promise<DeadLetter | null>;
	/** Once what it says has been taken in after all. No effect where there is none. @throws StoreError */
	remove(id: number): Promise<void>;
}

/** What is known of a device. */
export interface Device {
	readonly name: string;
	readonly createdMs: number;
	readonly online: boolean;
	/** When it last connected, disconnected or sent something; null when it never has. */
	readonly lastSeenMs: number | null;
	/** From its last boot event; null before the first. */
	readonly boot: DeviceBoot | null;
	/** The channels of the blocks it has sent, live ones included. */
	readonly channels: readonly Channel[];
	/** The reason a configuration was refused, while it is the last word on it. */
	readonly configRefused: string | null;
	/** What people call it by, for finding it: `jobs/query.ts`. */
	readonly tags: Readonly<Record<string, string>>;
}

export interface DeviceBoot {
	readonly board: string;
	readonly firmware: string;
	readonly journalId: string;
	readonly boot: number;
	readonly resetReason: ResetReason;
	/** When the event arrived. */
	readonly atMs: number;
}

/** What may change of a device; members that are absent stay as they are. */
export interface DeviceUpdate {
	readonly online?: boolean;
	/** When it was heard. An earlier time than what is known is passed over, and the rest of the update done. */
	readonly lastSeenMs?: number;
	/**
	 * When it was heard, just now and by the one clock that there is: it counts though something later is known, for then
	 * that clock has been set back. Not together with `lastSeenMs`.
	 */
	readonly seenNowMs?: number;
	/** Nothing of the update is done unless it is newer than the boot that is known: see `isNewerBoot`. */
	readonly boot?: DeviceBoot;
	/** Nothing of the update is done when the event of the boot that is known arrived later than that. */
	readonly unlessBootedAfterMs?: number;
	/** Added to, or replacing by id, those that are known. */
	readonly channels?: readonly Channel[];
	readonly configRefused?: string | null;
	/** In place of all that it had. */
	readonly tags?: Readonly<Record<string, string>>;
}

export interface DeviceStore {
	/** @returns false when a device of that name is there already; it is left as it is */
	create(name: string, createdMs: number): Promise<boolean>;
	get(name: string): Promise<Device | null>;
	/** By name. */
	list(): Promise<readonly Device[]>;
	/**
	 * No effect on a device that is not there. What the update's conditions are weighed against and what it changes is
	 * one step, whoever else updates the device at the same time; its channels may follow in a second one.
	 */
	update(name: string, update: DeviceUpdate): Promise<void>;
	/** Forgets all of it, and what is known of its connections. No effect where there is none. @throws StoreError */
	remove(name: string): Promise<void>;
}

/**
 * When a boot's uptime 0 was, learned after some of its blocks had been written: from a later block of the same
 * boot that knew network time.
 */
export interface BootBinding {
	readonly journalId: string;
	readonly boot: number;
	/** The uptime from which on it holds, ms. */
	readonly fromUptimeMs: number;
	readonly bootTimeMs: number;
}

export interface BindingStore {
	/** Keeps it unless one that holds from the same or an earlier uptime on is there with the same boot time. */
	add(thing: string, binding: BootBinding): Promise<void>;
	/** All of a thing's or of one of its boots, by journal, boot and uptime. */
	list(
		thing: string,
		boot?: Pick<BootBinding, "journalId" | "boot">,
	): Promise<readonly BootBinding[]>;
	/** How many a thing has: since none is ever changed or taken away, it tells whether there are new ones. */
	count(thing: string): Promise<number>;
}

/** The channel, which no node can have, by whose rows' `count` a bucket keeps how many of its blocks are unreadable. */
export const UNREADABLE_CHANNEL = "";

/** Count, min, max, sum, first and last of one channel over one span: raw integers, their exponent and unit. */
export interface RollupRow {
	readonly channel: string;
	readonly kind: ChannelKind;
	readonly unit: string;
	readonly bucketMs: number;
	readonly exponent: number;
	readonly count: number;
	readonly first: number;
	readonly last: number;
	readonly min: number;
	readonly max: number;
	/** Gauge: sum. Counter: increase within the bucket. */
	readonly sum: number;
}

export type RollupSize = "hour" | "day";

/**
 * A bucket that is out of date. `mark` tells one time of going out of date from the next; only the store makes it, and
 * only the store knows what it says.
 */
export interface DirtyBucket {
	readonly size: RollupSize;
	readonly bucketMs: number;
	readonly mark: number;
}

/** What a bucket's blocks say, worked out after its `mark` was read. */
export interface BucketRows extends DirtyBucket {
	readonly rows: readonly RollupRow[];
}

/**
 * Rollups are a cache of what the blocks that have a `startMs` say: losing one costs time, never data.
 * `BlockStore.put` marks the hours and days that a newly stored block touches as out of date, so that none is ever left up
 * to date without it: in the block's own commit, or before it. A store that marks before keeps a bucket out of date while
 * blocks may be under way to it.
 */
export interface RollupStore {
	/** The buckets that start in the range and are out of date, oldest first. */
	dirty(
		thing: string,
		size: RollupSize,
		fromMs: number,
		toMs: number,
	): Promise<readonly DirtyBucket[]>;
	/**
	 * Some of the buckets that are out of date and end at `beforeMs` or earlier, ordered by thing, hours before days, oldest
	 * first; all of them where they are fewer than `limit`. Those that have to stay out of date for now are left out.
	 */
	allDirty(
		beforeMs: number,
		limit: number,
	): Promise<readonly (DirtyBucket & { readonly thing: string })[]>;
	/**
	 * Replaces the rows of each bucket that is out of date with the very `mark`, which is up to date afterwards. The
	 * others are left as they are: they have been marked again, or counted by somebody else since, or have to stay out of
	 * date for now.
	 */
	replace(thing: string, buckets: readonly BucketRows[]): Promise<void>;
	/** The rows of some channels in the buckets that start in the range; each channel's by time. */
	range(
		thing: string,
		size: RollupSize,
		channels: readonly string[],
		fromMs: number,
		toMs: number,
	): Promise<readonly RollupRow[]>;
}

/** A device certificate, known by the SHA-256 of its DER form. */
export interface DeviceCertificate {
	/** 64 lower-case hex digits: what AWS IoT calls the certificate id. */
	readonly certificateId: string;
	/** Null for a claim certificate, by which a device that has none of its own may get one. */
	readonly thing: string | null;
	readonly status: "ACTIVE" | "REVOKED";
	readonly createdMs: number;
	/** The id of the one that it takes the place of, once its thing has connected with it. */
	readonly replaces?: string;
}

export interface CertificateStore {
	add(certificate: DeviceCertificate): Promise<void>;
	get(certificateId: string): Promise<DeviceCertificate | null>;
	ofThing(thing: string): Promise<readonly DeviceCertificate[]>;
	/** Those without a thing, the revoked ones too, oldest first. */
	ofClaims(): Promise<readonly DeviceCertificate[]>;
	/** No effect where there is none. */
	revoke(certificateId: string): Promise<void>;
}

/** The stores that every cloud has. */
export interface Stores {
	readonly blocks: BlockStore;
	readonly deadLetters: DeadLetterStore;
	readonly devices: DeviceStore;
	readonly bindings: BindingStore;
	readonly rollups: RollupStore;
	readonly alerts: AlertStore;
	readonly logs: LogStore;
}

/** Those of a cloud that is its own certificate authority; on AWS, IoT Core keeps the certificates. */
export interface AuthorityStores extends Stores {
	readonly certificates: CertificateStore;
}

/** A store did not do what it was asked, and it may be asked again. */
export class StoreError extends Error {
	override readonly name = "StoreError";
	/** "unavailable", "disk_full", "newer_version", … */
	readonly code: string;

	constructor(code: string, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
