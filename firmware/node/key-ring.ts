/**
 * With which key and certificate the node connects: those that it was provisioned with, or a pair that the cloud has given it since, which
 * rests in the settings.
 *
 * There is room for two pairs, so that a new one is kept whole beside the one in use. Which is which stands in a setting of its own, by
 * whose one write a pair comes into use, or goes: cut before or after any write, the node has one that it may connect with. A pair on trial
 * is tried first, and the old one in turn where it is not let in; the first of the two that is let in is kept, and the other forgotten.
 *
 * A pair belongs to what the node was provisioned with when it got it: where somebody has provisioned the node anew since, with a
 * certificate of the thing, that one is newer, and the pair goes. (A claim certificate makes nobody a thing, and displaces none.)
 */
import { crc32 } from "../../protocol/crc32.ts";
import type { Claiming } from "./claiming.ts";
import type {
	Board,
	Identity,
	KeyPair,
	KeySwitch,
	OfflineReason,
	System,
} from "./ports.ts";
import type { NodeSettings } from "./settings.ts";

/** Settings key: the places ("a", "b" or "-") of the pair in use and of the one on trial; "--" after one that was not let in. */
export const PAIRS_KEY = "pairs";
/**
 * Settings keys: a CRC-32 in hex, and behind it, as JSON, id, certificate, key, and the id of the certificate that the node was provisioned
 * with then (those of earlier firmware lack it).
 */
export const PAIR_KEYS = Object.freeze({ a: "pair-a", b: "pair-b" });

/** How often in a row a pair on trial is not let in before the old one is used in its stead. */
export const TRIAL_ATTEMPTS = 3;

const CRC_DIGITS = 8;
const CHUNK_BYTES = 64;

type Place = keyof typeof PAIR_KEYS;

export type NewPair = { -readonly [Member in keyof KeyPair]: KeyPair[Member] };

/** Why a pair was not taken on trial: it is of no use, or could not be stored. */
export interface PairRefusal {
	readonly reason: "bad_answer" | "not_stored";
	readonly detail: string;
}

/** Only where the node has, or is getting, a pair from the cloud: others go by what they were provisioned with. */
export class KeyRing {
	/** Of the pair that the next connection is made with. */
	certificateId: string;
	/** Why the last pair on trial was not let in, in this boot; null when none was, or it has been. */
	refusedBy: OfflineReason | null = null;
	/** Called when the node has no certificate of its own any more. */
	onClaim: (() => void) | null = null;
	/** While the node has none: what gets it one. */
	claiming: Claiming | undefined;
	readonly #provisioned: Identity;
	readonly #settings: NodeSettings;
	readonly #keys: KeySwitch;
	readonly #system: Pick<System, "log">;
	#inUse: Place | null = null;
	#onTrial: Place | null = null;
	/** Attempts in a row at which the pair on trial was not let in; −1 while the old one is being used in its stead. */
	#failures = 0;

	constructor(
		provisioned: Identity,
		keys: KeySwitch,
		settings: NodeSettings,
		system: Pick<System, "log">,
	) {
		this.certificateId = provisioned.certificateId;
		this.#provisioned = provisioned;
		this.#settings = settings;
		this.#keys = keys;
		this.#system = system;
		this.load();
	}

	/** @returns null where there is nothing that it would be needed for */
	static ofBoard(
		{ identity, keys }: Pick<Board, "identity" | "keys">,
		settings: NodeSettings,
		system: Pick<System, "log">,
	): KeyRing | null {
		const isNeeded =
			identity.isClaim === true || settings.get(PAIRS_KEY) !== undefined;
		return keys === undefined || !isNeeded
			? null
			: new KeyRing(identity, keys, settings, system);
	}

	/** The node has no certificate of its own yet. */
	get isClaim(): boolean {
		return (
			this.#provisioned.isClaim === true &&
			this.#inUse === null &&
			this.#onTrial === null
		);
	}

	get isOnTrial(): boolean {
		return this.#onTrial !== null;
	}

	/** A pair was on trial and was not let in, and there has been none since. */
	get wasRefused(): boolean {
		return this.#settings.get(PAIRS_KEY) === "--";
	}

	/**
	 * Keeps a pair for the connections to come, on trial. Of the pair, certificate and key are gone then: they are kept as another text.
	 * @returns why it was not taken, and nothing has changed; or null
	 */
	tryOut(pair: NewPair): PairRefusal | null {
		try {
			this.#keys.use(pair);
		} catch (error) {
			return { reason: "bad_answer", detail: messageOf(error) };
		}
		const place: Place = this.#inUse === "a" ? "b" : "a";
		const why =
			this.#settings.set(
				PAIR_KEYS[place],
				takeText(pair, this.#provisioned.certificateId),
			) ?? this.point(this.#inUse, place);
		if (why !== null) {
			this.#settings.delete(PAIR_KEYS[place]);
			this.useOld();
			return { reason: "not_stored", detail: why };
		}
		this.#onTrial = place;
		this.#failures = 0;
		this.refusedBy = null;
		this.certificateId = pair.certificateId;
		return null;
	}

	/** The pair on trial is the node's own, and no other. @returns why that could not be stored, or null */
	keep(): string | null {
		const place = this.#onTrial;
		if (place === null) return null;
		const why = this.point(place, null);
		if (why !== null) return why;
		const old = this.#inUse;
		this.#inUse = place;
		this.#onTrial = null;
		if (old !== null) this.#settings.delete(PAIR_KEYS[old]);
		return null;
	}

	/**
	 * Forgets the pair on trial: the old one is used again.
	 * @param wasInForce it may have been, or be
	 */
	drop(wasInForce: boolean): void {
		const place = this.#onTrial;
		if (place === null) return;
		this.#onTrial = null;
		// What cannot be stored is tried, and dropped, once more after a restart.
		if (wasInForce || this.#inUse !== null) this.point(this.#inUse, null);
		else this.#settings.delete(PAIRS_KEY);
		this.#settings.delete(PAIR_KEYS[place]);
		this.useOld();
	}

	/** The broker has let the node in. */
	connected(): void {
		if (this.#onTrial === null) return;
		if (this.#failures < 0) {
			this.#system.log(
				"error",
				"The new certificate was not let in: the old one stays.",
			);
			this.drop(true);
			return;
		}
		this.refusedBy = null;
		const why = this.keep();
		if (why === null) this.#system.log("info", "The new certificate is used.");
	}

	/** No connection came up. */
	failed(reason: OfflineReason): void {
		if (this.#onTrial === null || !isOfCredentials(reason)) return;
		if (this.#failures < 0) {
			// The old one is no good either, as where the cloud has heard of the new one and the node did not hear that.
			this.#failures = TRIAL_ATTEMPTS - 1;
			this.use(this.#onTrial);
			return;
		}
		this.refusedBy = reason;
		if (++this.#failures < TRIAL_ATTEMPTS) return;
		this.#failures = -1;
		// With a claim nobody connects as the thing: whether that was refused cannot be found out by it.
		if (this.#provisioned.isClaim === true && this.#inUse === null) {
			this.drop(true);
			this.onClaim?.();
		} else this.useOld();
	}

	private load(): void {
		const places = this.#settings.get(PAIRS_KEY) ?? "";
		const inUse = placeOf(places[0]);
		const onTrial = placeOf(places[1]);
		if (this.isOutdated(onTrial ?? inUse)) {
			this.#system.log("info", "The node has been provisioned anew.");
			// What points to the pairs goes last: a cut leaves none that nobody would look for.
			for (const key of [PAIR_KEYS.a, PAIR_KEYS.b, PAIRS_KEY])
				if (this.#settings.get(key) !== undefined) this.#settings.delete(key);
			return;
		}
		this.#inUse = inUse;
		if (onTrial !== null && this.use(onTrial)) this.#onTrial = onTrial;
		else if (inUse !== null && !this.use(inUse)) {
			this.#inUse = null;
			this.#system.log("error", "The node's own certificate is lost.");
		}
		// Left behind by a cut: written and not come into use, or out of it and not deleted.
		for (const place of ["a", "b"] as const)
			if (
				place !== inUse &&
				place !== onTrial &&
				this.#settings.get(PAIR_KEYS[place]) !== undefined
			)
				this.#settings.delete(PAIR_KEYS[place]);
	}

	/** The node has been provisioned with another certificate since it got that pair. */
	private isOutdated(place: Place | null): boolean {
		if (place === null || this.#provisioned.isClaim === true) return false;
		const since = pairOf(
			this.#settings.get(PAIR_KEYS[place]) ?? "",
		)?.provisionedId;
		return since !== undefined && since !== this.#provisioned.certificateId;
	}

	/** @returns why it could not be stored, or null */
	private point(inUse: Place | null, onTrial: Place | null): string | null {
		return this.#settings.set(PAIRS_KEY, (inUse ?? "-") + (onTrial ?? "-"));
	}

	private useOld(): void {
		if (this.#inUse !== null && this.use(this.#inUse)) return;
		this.#keys.use(null);
		this.certificateId = this.#provisioned.certificateId;
	}

	/** @returns whether there is such a pair */
	private use(place: Place): boolean {
		const key = PAIR_KEYS[place];
		const text = this.#settings.get(key);
		if (text === undefined) return false;
		const pair = pairOf(text);
		if (pair === null) {
			this.#settings.reject(key, "makes no sense");
			return false;
		}
		try {
			this.#keys.use(pair);
		} catch (error) {
			this.#settings.reject(key, messageOf(error));
			return false;
		}
		this.certificateId = pair.certificateId;
		return true;
	}
}

/** Whoever looks for the network has not been judged by the credentials. */
function isOfCredentials(reason: OfflineReason): boolean {
	return (
		reason === "tls" ||
		reason === "auth" ||
		reason === "refused" ||
		reason === "closed" ||
		reason === "timeout"
	);
}

function placeOf(letter: string | undefined): Place | null {
	return letter === "a" || letter === "b" ? letter : null;
}

/** A pair and a text of it take 6 KB together: so no more than that is there at a time. */
function takeText(pair: NewPair, provisionedId: string): string {
	const parts = [
		"",
		`[${JSON.stringify(pair.certificateId)},`,
		JSON.stringify(pair.certificatePem),
		",",
		JSON.stringify(pair.privateKeyPem),
		`,${JSON.stringify(provisionedId)}]`,
	];
	pair.certificatePem = "";
	pair.privateKeyPem = "";
	let crc = 0;
	for (const part of parts) crc = crcOf(part, 0, crc);
	parts[0] = digitsOf(crc);
	return parts.join("");
}

function pairOf(
	text: string,
): (KeyPair & { readonly provisionedId: string | undefined }) | null {
	if (text.slice(0, CRC_DIGITS) !== checkOf(text, CRC_DIGITS)) return null;
	const [certificateId, certificatePem, privateKeyPem, provisionedId] =
		JSON.parse(text.slice(CRC_DIGITS));
	return { certificateId, certificatePem, privateKeyPem, provisionedId };
}

/** CRC-32 of the text's ASCII from a place on, in parts: the whole as bytes would be as large again. */
function checkOf(text: string, from: number): string {
	return digitsOf(crcOf(text, from, 0));
}

function digitsOf(crc: number): string {
	return crc.toString(16).padStart(CRC_DIGITS, "0");
}

function crcOf(text: string, from: number, before: number): number {
	const chunk = new Uint8Array(CHUNK_BYTES);
	let crc = before;
	for (let at = from; at < text.length; at += CHUNK_BYTES) {
		const length = Math.min(CHUNK_BYTES, text.length - at);
		for (let n = 0; n < length; n++) chunk[n] = text.charCodeAt(at + n);
		crc = crc32(chunk, 0, length, crc);
	}
	return crc;
}

function messageOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
