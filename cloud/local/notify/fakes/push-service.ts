/**
 * A push service (RFC 8030) with a browser behind it, under a test's control. It decrypts by RFC 8291 and checks
 * signatures by RFC 8292 with Web Crypto and `jose`: with nothing of what encrypted and signed.
 */
import { createPublicKey, type webcrypto } from "node:crypto";
import { jwtVerify } from "jose";
import type { PushSubscription } from "../../../core/alerts/ports.ts";
import {
	HttpPeer,
	type HttpReply,
	type HttpRequest,
} from "../../../node/fakes/http-peer.ts";

const { subtle } = globalThis.crypto;

export interface PushedMessage {
	readonly path: string;
	readonly ttlS: number;
	readonly urgency: string;
	readonly topic: string;
	/** Claims of the signature: who it is for, until when, and whom to ask. */
	readonly claims: {
		readonly aud: string;
		readonly exp: number;
		readonly sub: string;
	};
	/** What the browser is shown. */
	readonly payload: string;
	readonly bodyBytes: number;
}

export class PushService {
	readonly messages: PushedMessage[] = [];
	/** Instead of taking it. */
	refusal: HttpReply | "nothing" | null = null;
	readonly #http: HttpPeer;
	readonly #browser: BrowserKeys;
	readonly #serverKey: string;
	#requests: Promise<void>[] = [];

	private constructor(http: HttpPeer, browser: BrowserKeys, serverKey: string) {
		this.#http = http;
		this.#browser = browser;
		this.#serverKey = serverKey;
	}

	/** @param options.serverKey what the browser subscribed with: the public key of the cloud, base64url */
	static async listen(options: {
		readonly tls: { readonly key: string; readonly cert: string };
		readonly serverKey: string;
	}): Promise<PushService> {
		const http = await new HttpPeer(options.tls).listen();
		const browser = await makeBrowserKeys();
		const service = new PushService(http, browser, options.serverKey);
		http.reply = (request) => service.#answer(request);
		return service;
	}

	get requests(): readonly HttpRequest[] {
		return this.#http.requests;
	}

	/** What the browser hands the page. */
	channel(name = "one"): PushSubscription["channel"] & { type: "web" } {
		return {
			type: "web",
			endpoint: `https://127.0.0.1:${this.#http.port}/push/${name}`,
			keys: {
				p256dh: Buffer.from(this.#browser.publicKey).toString("base64url"),
				auth: Buffer.from(this.#browser.auth).toString("base64url"),
			},
		};
	}

	/** What has come, once it is decrypted. @throws when a signature or an encryption is wrong */
	async received(): Promise<readonly PushedMessage[]> {
		for (const request of this.#requests.splice(0)) await request;
		return this.messages;
	}

	close(): Promise<void> {
		return this.#http.close();
	}

	#answer(request: HttpRequest): HttpReply | "nothing" {
		if (this.refusal !== null) return this.refusal;
		const previous = this.#requests.at(-1) ?? Promise.resolve();
		this.#requests.push(
			Promise.all([previous, this.#read(request)]).then(([, message]) => {
				this.messages.push(message);
			}),
		);
		return { status: 201 };
	}

	async #read({ path, headers, body }: HttpRequest): Promise<PushedMessage> {
		const authorization = String(headers.authorization);
		const [, token = "", key] =
			/^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(authorization) ?? [];
		// RFC 8292 section 4.2: a subscription that names a key takes messages of that key alone.
		if (key !== this.#serverKey) throw new Error("signed with another key");
		const { payload } = await jwtVerify(token, publicKeyOf(key), {
			algorithms: ["ES256"],
			audience: `https://127.0.0.1:${this.#http.port}`,
		});
		if (headers["content-encoding"] !== "aes128gcm") {
			throw new Error("not encrypted as RFC 8291 says");
		}
		return {
			path,
			ttlS: Number(headers.ttl),
			urgency: String(headers.urgency),
			topic: String(headers.topic),
			claims: payload as PushedMessage["claims"],
			payload: await decrypt(this.#browser, body),
			bodyBytes: body.length,
		};
	}
}

interface BrowserKeys {
	readonly privateKey: webcrypto.CryptoKey;
	readonly publicKey: Uint8Array<ArrayBuffer>;
	readonly auth: Uint8Array<ArrayBuffer>;
}

const P256 = { name: "ECDH", namedCurve: "P-256" } as const;

async function makeBrowserKeys(): Promise<BrowserKeys> {
	const pair = await subtle.generateKey(P256, false, ["deriveBits"]);
	return {
		privateKey: pair.privateKey,
		publicKey: new Uint8Array(await subtle.exportKey("raw", pair.publicKey)),
		auth: crypto.getRandomValues(new Uint8Array(16)),
	};
}

function publicKeyOf(base64Url: string) {
	const point = Buffer.from(base64Url, "base64url");
	return createPublicKey({
		format: "jwk",
		key: {
			kty: "EC",
			crv: "P-256",
			x: point.subarray(1, 33).toString("base64url"),
			y: point.subarray(33).toString("base64url"),
		},
	});
}

/** RFC 8291 section 3.4 for the keys, RFC 8188 section 2 for the one record there is. */
async function decrypt(browser: BrowserKeys, body: Buffer): Promise<string> {
	const bytes = new Uint8Array(body);
	const salt = bytes.subarray(0, 16);
	const keyLength = bytes[20] ?? 0;
	const senderKey = bytes.slice(21, 21 + keyLength);
	const secret = new Uint8Array(
		await subtle.deriveBits(
			{
				name: "ECDH",
				public: await subtle.importKey("raw", senderKey, P256, false, []),
			},
			browser.privateKey,
			256,
		),
	);
	const text = (value: string) => new TextEncoder().encode(value);
	const ikm = await hkdf(
		secret,
		browser.auth,
		Buffer.concat([text("WebPush: info\0"), browser.publicKey, senderKey]),
		32,
	);
	const key = await hkdf(ikm, salt, text("Content-Encoding: aes128gcm\0"), 16);
	const nonce = await hkdf(ikm, salt, text("Content-Encoding: nonce\0"), 12);
	const padded = new Uint8Array(
		await subtle.decrypt(
			{ name: "AES-GCM", iv: nonce },
			await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]),
			bytes.slice(21 + keyLength),
		),
	);
	const end = padded.findLastIndex((byte) => byte !== 0);
	if (padded[end] !== 2) throw new Error("not one last record");
	return new TextDecoder().decode(padded.subarray(0, end));
}

async function hkdf(
	key: Uint8Array<ArrayBuffer>,
	salt: Uint8Array<ArrayBuffer>,
	info: Uint8Array,
	length: number,
): Promise<Uint8Array<ArrayBuffer>> {
	return new Uint8Array(
		await subtle.deriveBits(
			{ name: "HKDF", hash: "SHA-256", salt, info: new Uint8Array(info) },
			await subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]),
			length * 8,
		),
	);
}
