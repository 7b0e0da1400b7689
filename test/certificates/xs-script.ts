/** Runs on XS: checks the chains that it is sent. Signatures are verified by whoever holds the channel. */
import { checkServerChain } from "../../firmware/tls/chain.ts";
import type { Crypto } from "../../firmware/tls/crypto.ts";
import { hex } from "../../firmware/tls/der.ts";

interface Host {
	call(message: Uint8Array): ArrayBuffer;
	post(message: Uint8Array): void;
	collect(): void;
	heap(): { readonly chunkUsed: number; readonly slotUsed: number };
	utf8Encode(text: string): ArrayBuffer;
	utf8Decode(bytes: ArrayBuffer): string;
	onMessage: (message: ArrayBuffer) => void;
	onIdle: () => void;
}

/** A function of `Crypto` and its arguments, with bytes in hexadecimal. */
export type CryptoCall =
	| {
			readonly call: "digest";
			readonly bits: 256 | 384 | 512;
			readonly bytes: string;
	  }
	| {
			readonly call: "rsaPublic";
			readonly modulus: string;
			readonly exponent: string;
			readonly signature: string;
	  }
	| {
			readonly call: "ecdsaP256";
			readonly point: string;
			readonly hash: string;
			readonly r: string;
			readonly s: string;
	  };

/** A chain with its bytes in hexadecimal. */
export interface ChainMessage {
	readonly certificates: readonly string[];
	readonly anchors: readonly string[];
	readonly host: string;
	/** null when the clock is not set */
	readonly nowMs: number | null;
}

const { host } = globalThis as unknown as { host: Host };

function ask(call: CryptoCall): Uint8Array {
	const message = new Uint8Array(host.utf8Encode(JSON.stringify(call)));
	return new Uint8Array(host.call(message));
}

const crypto: Crypto = {
	digest: (bits, bytes) => ask({ call: "digest", bits, bytes: hex(bytes) }),
	rsaPublic: ({ modulus, exponent }, signature) =>
		ask({
			call: "rsaPublic",
			modulus: hex(modulus),
			exponent: hex(exponent),
			signature: hex(signature),
		}),
	ecdsaP256: ({ point }, hash, r, s) =>
		ask({
			call: "ecdsaP256",
			point: hex(point),
			hash: hex(hash),
			r: hex(r),
			s: hex(s),
		})[0] === 1,
};

function fromHex(text: string): Uint8Array {
	const bytes = new Uint8Array(text.length / 2);
	for (let i = 0; i < bytes.length; i++) {
		bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
	}
	return bytes;
}

// As on a device, which has them in ROM.
for (const { prototype } of [Object, Array, Error, Date, RegExp, String]) {
	Object.freeze(prototype);
}
Object.freeze(Object.getPrototypeOf(Uint8Array.prototype));
Object.freeze(Uint8Array.prototype);

host.onMessage = (message) => {
	const chain = JSON.parse(host.utf8Decode(message)) as ChainMessage;
	const verdict = checkServerChain(chain.certificates.map(fromHex), {
		anchors: chain.anchors.map(fromHex),
		host: chain.host,
		nowMs: chain.nowMs ?? undefined,
		crypto,
	});
	const text = verdict.trusted ? "trusted" : verdict.reason;
	host.post(new Uint8Array(host.utf8Encode(text)));
};
host.onIdle = () => host.collect();
