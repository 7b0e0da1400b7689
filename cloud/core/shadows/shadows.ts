/**
 * Shadows, kept by this cloud itself: what AWS IoT's Device Shadow service does.
 * https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-mqtt.html
 */
import type { Clock } from "../ports.ts";
import type { DeviceMessage, DeviceSender } from "../reserved-topics.ts";
import {
	changeDocument,
	deltaOf,
	EMPTY_DOCUMENT,
	metadataOfChange,
	type ShadowDocument,
} from "./document.ts";
import { ShadowError } from "./errors.ts";
import {
	CLASSIC,
	type ShadowChange,
	type ShadowRegistry,
	type ShadowStore,
	type ShadowView,
	type StoredShadow,
} from "./ports.ts";
import { assertSize, type ShadowUpdate, type TokenRequest } from "./request.ts";

/** "Versioning shadow documents": the version of a deleted shadow goes on counting for 48 hours. */
const VERSION_KEPT_MS = 48 * 3_600_000;
/** Each that fails means that another has come through. */
const MAX_ATTEMPTS = 50;

export interface ShadowDeps {
	readonly store: ShadowStore;
	readonly clock: Clock;
	/** Tells things what people have changed. */
	readonly sender: DeviceSender;
}

export class Shadows implements ShadowRegistry {
	readonly #deps: ShadowDeps;

	constructor(deps: ShadowDeps) {
		this.#deps = deps;
	}

	async get(thing: string, name: string): Promise<ShadowView> {
		const nowMs = this.#deps.clock.nowMs();
		const stored = await this.#deps.store.get(thing, name);
		const document = stored?.document ?? null;
		if (stored === null || document === null) throw noShadow(thing, name);
		const delta = deltaOf(document);
		return {
			state: {
				...document.state,
				...(delta === null ? {} : { delta: delta.state }),
			},
			metadata: document.metadata,
			version: stored.version,
			timestamp: seconds(nowMs),
		};
	}

	async update(
		thing: string,
		name: string,
		update: ShadowUpdate,
	): Promise<ShadowChange> {
		const { change, messages } = await this.change(thing, name, update, {});
		await this.#deps.sender.send(messages);
		return change;
	}

	async delete(
		thing: string,
		name: string,
	): Promise<Pick<ShadowView, "version" | "timestamp">> {
		const { deleted, message } = await this.remove(thing, name, {});
		await this.#deps.sender.send([message]);
		return deleted;
	}

	names(thing: string): Promise<readonly string[]> {
		return this.#deps.store.names(thing);
	}

	/** Updates, and leaves it to the caller to send what is to be said of it. @throws ShadowError, StoreError */
	async change(
		thing: string,
		name: string,
		update: ShadowUpdate,
		token: TokenRequest,
	): Promise<{
		readonly change: ShadowChange;
		/** …/accepted, …/delta where there is one, …/documents. */
		readonly messages: readonly DeviceMessage[];
	}> {
		const { before, after } = await this.#replace(
			thing,
			name,
			(stored, nowMs) => updated(stored, update, nowMs),
		);
		const timestamp = seconds(after.updatedMs);
		const document = after.document ?? EMPTY_DOCUMENT;
		const change = {
			state: update.state,
			metadata: metadataOfChange(update.state, timestamp),
			version: after.version,
			timestamp,
		};
		const topic = `${shadowTopic(thing, name)}/update`;
		const delta = deltaOf(document);
		return {
			change,
			messages: [
				messageOf(`${topic}/accepted`, { ...change, ...token }),
				...(delta === null
					? []
					: [
							messageOf(`${topic}/delta`, {
								version: after.version,
								timestamp,
								...delta,
								...token,
							}),
						]),
				messageOf(`${topic}/documents`, {
					previous: snapshot(before),
					current: snapshot(after),
					timestamp,
					...token,
				}),
			],
		};
	}

	/** Deletes, and leaves it to the caller to say so. @throws ShadowError, StoreError */
	async remove(
		thing: string,
		name: string,
		token: TokenRequest,
	): Promise<{
		readonly deleted: Pick<ShadowView, "version" | "timestamp">;
		readonly message: DeviceMessage;
	}> {
		const { after } = await this.#replace(thing, name, (stored, updatedMs) => {
			if (stored?.document == null) throw noShadow(thing, name);
			return { version: stored.version, updatedMs, document: null };
		});
		const deleted = {
			version: after.version,
			timestamp: seconds(after.updatedMs),
		};
		const topic = `${shadowTopic(thing, name)}/delete/accepted`;
		return { deleted, message: messageOf(topic, { ...deleted, ...token }) };
	}

	/** Works out what takes a shadow's place, anew when somebody else was faster. */
	async #replace(
		thing: string,
		name: string,
		next: (stored: StoredShadow | null, nowMs: number) => StoredShadow,
	): Promise<{
		readonly before: StoredShadow | null;
		readonly after: StoredShadow;
	}> {
		const { store, clock } = this.#deps;
		for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
			const before = await store.get(thing, name);
			const after = next(before, clock.nowMs());
			if (await store.replace(thing, name, before, after)) {
				return { before, after };
			}
		}
		throw new ShadowError(500, "Internal service failure");
	}
}

function updated(
	stored: StoredShadow | null,
	{ state, version }: ShadowUpdate,
	nowMs: number,
): StoredShadow {
	const isForgotten =
		stored === null ||
		(stored.document === null && nowMs - stored.updatedMs >= VERSION_KEPT_MS);
	const current = isForgotten ? 0 : stored.version;
	if (version !== undefined && version !== current) {
		throw new ShadowError(409, "Version conflict");
	}
	const document = changeDocument(
		stored?.document ?? EMPTY_DOCUMENT,
		state,
		seconds(nowMs),
	);
	assertSize(document.state);
	return { version: current + 1, updatedMs: nowMs, document };
}

function snapshot(stored: StoredShadow | null): ShadowDocument & {
	readonly version: number;
} {
	const { state, metadata } = stored?.document ?? EMPTY_DOCUMENT;
	return { state, metadata, version: stored?.version ?? 0 };
}

/** What a shadow's topics begin with. */
export function shadowTopic(thing: string, name: string): string {
	const classic = `$aws/things/${thing}/shadow`;
	return name === CLASSIC ? classic : `${classic}/name/${name}`;
}

export function messageOf(topic: string, document: unknown): DeviceMessage {
	const payload = new TextEncoder().encode(JSON.stringify(document));
	return { topic, payload };
}

export function seconds(ms: number): number {
	return Math.floor(ms / 1000);
}

function noShadow(thing: string, name: string): ShadowError {
	const full = name === CLASSIC ? thing : `${thing}~${name}`;
	return new ShadowError(404, `No shadow exists with name: '${full}'`);
}
