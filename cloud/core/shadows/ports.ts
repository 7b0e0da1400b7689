/** What shadows need of the world, and what a cloud offers of them. */
import type {
	JsonObject,
	ShadowDocument,
	ShadowMetadata,
	ShadowState,
} from "./document.ts";
import type { ShadowUpdate } from "./request.ts";

/** The name of a thing's classic shadow, which has none. */
export const CLASSIC = "";

/** A shadow as it is kept. */
export interface StoredShadow {
	/** From 1; a shadow that is made anew goes on where the deleted one was. */
	readonly version: number;
	/** When it was last written or deleted. */
	readonly updatedMs: number;
	/** Null once it has been deleted. */
	readonly document: ShadowDocument | null;
}

/** On one machine; on AWS the service keeps them. @throws StoreError */
export interface ShadowStore {
	/** @param name `CLASSIC` or a shadow's name */
	get(thing: string, name: string): Promise<StoredShadow | null>;
	/**
	 * Puts one in place of the very `previous`, which is null where none has been; durable when it resolves.
	 * @returns false, and changes nothing, when another is there by now
	 */
	replace(
		thing: string,
		name: string,
		previous: Pick<StoredShadow, "version" | "document"> | null,
		next: StoredShadow,
	): Promise<boolean>;
	/** The names of those of a thing that are not deleted, the classic one left out, sorted. */
	names(thing: string): Promise<readonly string[]>;
	/** Forgets all of a thing, once it is no more. */
	removeThing(thing: string): Promise<void>;
}

/** A shadow as AWS IoT answers with: `GetThingShadow`, `…/get/accepted`. */
export interface ShadowView {
	readonly state: ShadowState & { readonly delta?: JsonObject };
	readonly metadata: ShadowMetadata;
	readonly version: number;
	/** Seconds since the Unix epoch. */
	readonly timestamp: number;
}

/** What was changed of it: `UpdateThingShadow`, `…/update/accepted`. */
export type ShadowChange = Omit<ShadowView, "state"> & {
	readonly state: ShadowUpdate["state"];
};

/**
 * The shadows of a cloud, for people. Things are known to exist; names are valid.
 * @throws ShadowError, StoreError
 */
export interface ShadowRegistry {
	/** @param name `CLASSIC` or a shadow's name @throws ShadowError 404 */
	get(thing: string, name: string): Promise<ShadowView>;
	/** Makes the shadow where there is none. @throws ShadowError 400, 409, 413 */
	update(
		thing: string,
		name: string,
		update: ShadowUpdate,
	): Promise<ShadowChange>;
	/** @throws ShadowError 404 */
	delete(
		thing: string,
		name: string,
	): Promise<Pick<ShadowView, "version" | "timestamp">>;
	/** Of the named ones, sorted. */
	names(thing: string): Promise<readonly string[]>;
}
