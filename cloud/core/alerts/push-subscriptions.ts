/** Which browsers and telephones show a person's alerts: what is asked of a subscription before it is kept. */
import { CoreError } from "../errors.ts";
import type { AlertStore, PushSubscription } from "./ports.ts";

export type PushChannel = PushSubscription["channel"];

/** More than one person has browsers; old ones go when their push service says so. */
const MAX_A_PERSON = 20;
const MAX_ENDPOINT_LENGTH = 1_000;
const MAX_TOKEN_LENGTH = 2_000;

/**
 * "push_unavailable": this cloud does not send to that kind; "bad_subscription": nothing could be sent to it;
 * "too_many_subscriptions".
 */
export class PushError extends CoreError {
	override readonly name = "PushError";
}

export interface PushOptions {
	readonly store: Pick<
		AlertStore,
		"putSubscription" | "listSubscriptions" | "deleteSubscription"
	>;
	readonly clock: { nowMs(): number };
	/** The public key that browsers subscribe with (RFC 8292 section 4), base64url; null where there is no web push. */
	readonly webKey: string | null;
	/** Which telephones: "apns", "fcm"; none on one machine. */
	readonly platforms: readonly string[];
}

export class PushSubscriptions {
	readonly webKey: string | null;
	readonly platforms: readonly string[];
	readonly #store: PushOptions["store"];
	readonly #clock: PushOptions["clock"];

	constructor(options: PushOptions) {
		this.webKey = options.webKey;
		this.platforms = options.platforms;
		this.#store = options.store;
		this.#clock = options.clock;
	}

	/** The same browser or telephone again is the same subscription. @throws PushError */
	async subscribe(
		subject: string,
		channel: PushChannel,
	): Promise<PushSubscription> {
		this.#requireSender(channel);
		const problem = await channelProblem(channel);
		if (problem !== null) throw new PushError("bad_subscription", problem);
		const id = await subscriptionId(channel);
		const known = await this.#store.listSubscriptions(subject);
		if (known.length >= MAX_A_PERSON && !known.some((one) => one.id === id)) {
			throw new PushError(
				"too_many_subscriptions",
				`${MAX_A_PERSON} browsers and telephones are subscribed already: remove one first.`,
			);
		}
		const subscription = {
			id,
			subject,
			createdMs: this.#clock.nowMs(),
			channel,
		};
		await this.#store.putSubscription(subscription);
		return subscription;
	}

	list(subject: string): Promise<readonly PushSubscription[]> {
		return this.#store.listSubscriptions(subject);
	}

	/** No effect where there is none. */
	unsubscribe(subject: string, id: string): Promise<void> {
		return this.#store.deleteSubscription(subject, id);
	}

	#requireSender(channel: PushChannel): void {
		if (channel.type === "web" && this.webKey === null) {
			throw new PushError(
				"push_unavailable",
				"This cloud does not send to browsers.",
			);
		}
		if (
			channel.type === "mobile" &&
			!this.platforms.includes(channel.platform)
		) {
			throw new PushError(
				"push_unavailable",
				`This cloud does not send to telephones by ${channel.platform}.`,
			);
		}
	}
}

/** SHA-256 of the endpoint or token, hex: the page works out the same to find itself in the list. */
export async function subscriptionId(channel: PushChannel): Promise<string> {
	const text = channel.type === "web" ? channel.endpoint : channel.token;
	const digest = await crypto.subtle.digest(
		"SHA-256",
		new TextEncoder().encode(text),
	);
	return Array.from(new Uint8Array(digest), (byte) =>
		byte.toString(16).padStart(2, "0"),
	).join("");
}

/** @returns a sentence, or null */
async function channelProblem(channel: PushChannel): Promise<string | null> {
	if (channel.type === "mobile") {
		return /^[\x21-\x7e]+$/.test(channel.token) &&
			channel.token.length <= MAX_TOKEN_LENGTH
			? null
			: `A token is 1 to ${MAX_TOKEN_LENGTH} printable characters of ASCII.`;
	}
	const { endpoint, keys } = channel;
	if (endpoint.length > MAX_ENDPOINT_LENGTH || !isPushEndpoint(endpoint)) {
		return "An endpoint is an address of https without user and password, of at most 1,000 characters.";
	}
	// RFC 8291 section 3.2
	if (fromBase64Url(keys.auth)?.length !== 16) {
		return "keys.auth is 16 bytes as base64url.";
	}
	return (await isPublicKey(fromBase64Url(keys.p256dh)))
		? null
		: "keys.p256dh is an uncompressed point of P-256 as base64url.";
}

/** Push services are reached by https alone (RFC 8030 section 8). */
export function isPushEndpoint(text: string): boolean {
	if (!URL.canParse(text)) return false;
	const { protocol, username, password } = new URL(text);
	return protocol === "https:" && username === "" && password === "";
}

async function isPublicKey(
	bytes: Uint8Array<ArrayBuffer> | null,
): Promise<boolean> {
	if (bytes?.length !== 65) return false;
	try {
		await crypto.subtle.importKey(
			"raw",
			bytes,
			{ name: "ECDH", namedCurve: "P-256" },
			false,
			[],
		);
		return true;
	} catch (error) {
		// What Web Crypto throws for a point that is not of the curve.
		if (error instanceof DOMException) return false;
		throw error;
	}
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
	if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
	const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
	return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
