/** What crosses between the process's main thread and the two threads that hold the database. */
import type { BlockIdentity, ChannelKind } from "../../../protocol/block.ts";
import type { Person } from "../../core/people-directory.ts";
import type {
	BootBinding,
	BucketRows,
	DeadLetter,
	Device,
	DeviceUpdate,
	DirtyBucket,
	PutOutcome,
	RollupSize,
	StoreCursor,
} from "../../core/ports.ts";
import type { AlertReads, AlertWrites } from "./alerts.ts";
import type { ArrivalReads, ArrivalWrites } from "./arrivals.ts";
import type { IdentityReads, IdentityWrites } from "./identities.ts";
import type { JobReads, JobWrites } from "./jobs.ts";
import type { LogReads, LogWrites } from "./logs.ts";
import type { PackedBlocks } from "./packing.ts";
import type { ShadowReads, ShadowWrites } from "./shadows.ts";

/** Writes other than of blocks. */
export type WriteOperations = RecordWrites &
	AlertWrites &
	ArrivalWrites &
	IdentityWrites &
	ShadowWrites &
	JobWrites &
	LogWrites;

export interface RecordWrites {
	addDeadLetter(letter: Omit<DeadLetter, "id">): void;
	removeDeadLetter(id: number): void;
	createDevice(name: string, createdMs: number): boolean;
	updateDevice(name: string, update: DeviceUpdate): void;
	removeDevice(name: string): void;
	addBinding(thing: string, binding: BootBinding): void;
	replaceRollups(thing: string, buckets: readonly BucketRows[]): void;
	addPerson(person: Person): boolean;
	removePerson(subject: string): void;
	grant(subject: string, device: string): void;
	revokeGrant(subject: string, device: string): void;
}

/** Blocks of one thing, packed, and where the range goes on. */
export interface PackedPage {
	readonly packed: PackedBlocks;
	readonly next: StoreCursor | null;
}

/** Rollup rows, and the units that they name by their place; channels by their place among those asked for. */
export interface PackedRollups {
	/** `ROLLUP_FIELDS` a row: bucketMs, kind, exponent, count, first, last, min, max, sum, unit, channel. */
	readonly numbers: Float64Array<ArrayBuffer>;
	readonly units: readonly string[];
}
export const ROLLUP_FIELDS = 11;
export const UNIT_FIELD = 9;
export const CHANNEL_FIELD = 10;
/** How a kind is kept as a number: its place in this list. */
export const KINDS: readonly ChannelKind[] = ["gauge", "counter"];

export type ReadOperations = RecordReads &
	AlertReads &
	ArrivalReads &
	IdentityReads &
	ShadowReads &
	JobReads &
	LogReads;

export interface RecordReads {
	range(
		thing: string,
		fromMs: number,
		toMs: number,
		limit: number,
		after: StoreCursor | undefined,
	): PackedPage;
	/** `next` is never null. */
	untimed(
		thing: string,
		limit: number,
		after: StoreCursor | undefined,
	): PackedPage;
	before(
		thing: string,
		beforeMs: number,
		limit: number,
		after: StoreCursor | undefined,
	): PackedPage;
	/** Those that are there without a start; `next` means nothing. */
	getUntimed(thing: string, identities: readonly BlockIdentity[]): PackedPage;
	deadLetters(options: {
		readonly limit: number;
		readonly beforeId?: number;
		readonly thing?: string;
	}): readonly DeadLetter[];
	deadLetter(id: number): DeadLetter | null;
	device(name: string): Device | null;
	devices(): readonly Device[];
	bindings(
		thing: string,
		boot: Pick<BootBinding, "journalId" | "boot"> | undefined,
	): readonly BootBinding[];
	bindingCount(thing: string): number;
	dirty(
		thing: string,
		size: RollupSize,
		fromMs: number,
		toMs: number,
	): readonly DirtyBucket[];
	allDirty(
		beforeMs: number,
		limit: number,
	): readonly (DirtyBucket & { readonly thing: string })[];
	rollups(
		thing: string,
		size: RollupSize,
		channels: readonly string[],
		fromMs: number,
		toMs: number,
	): PackedRollups;
	person(subject: string): Person | null;
	personNamed(name: string): Person | null;
	people(): readonly Person[];
	devicesOf(subject: string): readonly string[];
	subjectsOf(device: string): readonly string[];
	hasGrant(subject: string, device: string): boolean;
}

/** One call of an operation as a value. */
export type Call<Operations> = {
	readonly [Name in keyof Operations]: Operations[Name] extends (
		...parameters: infer Parameters
	) => unknown
		? { readonly name: Name; readonly parameters: Parameters }
		: never;
}[keyof Operations];

/** What goes into one transaction. `packed` counts things by their place in `things`. */
export interface WriteGroup {
	readonly things: readonly string[];
	readonly packed: PackedBlocks | null;
	readonly calls: readonly Call<WriteOperations>[];
}

/** A failure as it crosses: errors lose their class on the way. */
export interface Failure {
	readonly code: string;
	readonly message: string;
}

export type Settled =
	| { readonly ok: true; readonly value: unknown }
	| { readonly ok: false; readonly failure: Failure };

/** One for all blocks of a group, by the place of their outcome in `OUTCOMES`, and one for each call. */
export interface GroupResult {
	readonly blocks: Settled;
	readonly calls: readonly Settled[];
}

export const OUTCOMES: readonly PutOutcome[] = [
	"stored",
	"duplicate",
	"conflict",
];

/** How a worker is started. */
export interface WorkerSettings {
	readonly role: "writer" | "reader";
	readonly path: string;
	readonly busyTimeoutMs: number;
	readonly maxPages: number | null;
}

/** Main thread → worker. */
export type Request =
	| { readonly id: number; readonly group: WriteGroup }
	| { readonly id: number; readonly read: Call<ReadOperations> }
	| { readonly id: number; readonly close: true };

/** Worker → main thread; id 0 tells that the worker has opened the database, or why it could not. */
export interface Response {
	readonly id: number;
	readonly result: Settled;
}
