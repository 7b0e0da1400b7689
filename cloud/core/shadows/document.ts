/**
 * The state of a shadow, and the rules by which it changes:
 * https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-document.html
 * States come from JSON, so that a member may have any name, `__proto__` too: objects are made of entries, never by
 * assigning to a name.
 */

export type JsonValue =
	| null
	| boolean
	| number
	| string
	| readonly JsonValue[]
	| JsonObject;

export interface JsonObject {
	readonly [name: string]: JsonValue;
}

/** A section without members is left out. Objects in it have members, and no member is null. */
export interface ShadowState {
	/** What the device should be. */
	readonly desired?: JsonObject;
	/** What it says it is. */
	readonly reported?: JsonObject;
}

export const SECTIONS = ["desired", "reported"] as const;

/** When a member was last written, seconds since the Unix epoch, in place of each value that is no object or list. */
export type Metadata =
	| { readonly timestamp: number }
	| readonly Metadata[]
	| { readonly [name: string]: Metadata };

export interface ShadowMetadata {
	readonly desired?: Metadata;
	readonly reported?: Metadata;
}

export interface ShadowDocument {
	readonly state: ShadowState;
	readonly metadata: ShadowMetadata;
}

/** What is to change of a state: null takes away. */
export interface StateChange {
	readonly desired?: JsonObject | null;
	readonly reported?: JsonObject | null;
}

export const EMPTY_DOCUMENT: ShadowDocument = Object.freeze({
	state: Object.freeze({}),
	metadata: Object.freeze({}),
});

export function isObject(value: JsonValue | undefined): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Only the members that are named change: an object is merged into the one that is there, any other value replaces what is
 * there, a list as a whole, and null takes it away.
 * @param timestamp seconds since the Unix epoch, for the metadata of what is written
 */
export function changeDocument(
	document: ShadowDocument,
	change: StateChange,
	timestamp: number,
): ShadowDocument {
	const state: [string, JsonObject][] = [];
	const metadata: [string, Metadata][] = [];
	for (const section of SECTIONS) {
		const changed = mergeSection(
			document.state[section] ?? {},
			document.metadata[section] ?? {},
			change[section],
			timestamp,
		);
		if (changed === null) continue;
		state.push([section, changed.value]);
		metadata.push([section, changed.metadata]);
	}
	return {
		state: Object.fromEntries(state),
		metadata: Object.fromEntries(metadata),
	};
}

interface Branch {
	readonly value: JsonObject;
	readonly metadata: Metadata;
}

/** @returns null when nothing is left */
function mergeSection(
	value: JsonObject,
	metadata: Metadata,
	change: JsonObject | null | undefined,
	timestamp: number,
): Branch | null {
	if (change === null) return null;
	return mergeObject(value, metadata, change ?? {}, timestamp);
}

/** An object that has no members left goes with them: it has no value that metadata could be about. */
function mergeObject(
	value: JsonObject,
	metadata: Metadata,
	change: JsonObject,
	timestamp: number,
): Branch | null {
	const values = new Map(Object.entries(value));
	const times = new Map(Object.entries(metadata as Record<string, Metadata>));
	for (const [name, next] of Object.entries(change)) {
		const before = values.get(name);
		const branch = isObject(next)
			? mergeObject(
					isObject(before) ? before : {},
					isObject(before) ? (times.get(name) ?? {}) : {},
					next,
					timestamp,
				)
			: next === null
				? null
				: { value: next, metadata: timesOf(next, timestamp) };
		if (branch === null) {
			values.delete(name);
			times.delete(name);
		} else {
			values.set(name, branch.value);
			times.set(name, branch.metadata);
		}
	}
	if (values.size === 0) return null;
	return {
		value: Object.fromEntries(values),
		metadata: Object.fromEntries(times),
	};
}

function timesOf(value: JsonValue, timestamp: number): Metadata {
	if (Array.isArray(value)) {
		return value.map((each: JsonValue) => timesOf(each, timestamp));
	}
	if (!isObject(value)) return { timestamp };
	return Object.fromEntries(
		Object.entries(value).map(([name, each]) => [
			name,
			timesOf(each, timestamp),
		]),
	);
}

/** The metadata of what a change writes, as it is answered; null members have none. */
export function metadataOfChange(
	change: StateChange,
	timestamp: number,
): ShadowMetadata {
	return changeDocument(EMPTY_DOCUMENT, change, timestamp).metadata;
}

export interface Delta {
	readonly state: JsonObject;
	/** When each of it was desired. */
	readonly metadata: Metadata;
}

/**
 * What of the desired state is otherwise in the reported one, or not there; a list as a whole. What is reported and not
 * desired is no difference.
 * @returns null when there is none
 */
export function deltaOf({ state, metadata }: ShadowDocument): Delta | null {
	return differences(
		state.desired ?? {},
		state.reported ?? {},
		metadata.desired ?? {},
	);
}

function differences(
	desired: JsonObject,
	reported: JsonObject,
	metadata: Metadata,
): Delta | null {
	const times = metadata as Readonly<Record<string, Metadata>>;
	const values: [string, JsonValue][] = [];
	const since: [string, Metadata][] = [];
	for (const [name, wanted] of Object.entries(desired)) {
		const is = Object.hasOwn(reported, name) ? reported[name] : undefined;
		const time = times[name] ?? {};
		if (isObject(wanted) && isObject(is)) {
			const inner = differences(wanted, is, time);
			if (inner === null) continue;
			values.push([name, inner.state]);
			since.push([name, inner.metadata]);
		} else if (is === undefined || !isEqual(wanted, is)) {
			values.push([name, wanted]);
			since.push([name, time]);
		}
	}
	if (values.length === 0) return null;
	return {
		state: Object.fromEntries(values),
		metadata: Object.fromEntries(since),
	};
}

/** The order of members is no difference; that of a list is. */
export function isEqual(one: JsonValue, other: JsonValue): boolean {
	if (Array.isArray(one) || Array.isArray(other)) {
		return (
			Array.isArray(one) &&
			Array.isArray(other) &&
			one.length === other.length &&
			one.every((value: JsonValue, at) =>
				isEqual(value, other[at] as JsonValue),
			)
		);
	}
	if (!isObject(one) || !isObject(other)) return one === other;
	const names = Object.keys(one);
	return (
		names.length === Object.keys(other).length &&
		names.every(
			(name) =>
				Object.hasOwn(other, name) &&
				isEqual(one[name] as JsonValue, other[name] as JsonValue),
		)
	);
}
