// biome-ignore-all lint/complexity/noStaticOnlyClass: so, too.
// biome-ignore-all lint/style/noDefaultExport: the SDK exports them so.
/**
 * What of the Moddable SDK's TLS (modules/crypt) our modules in its place use. `sdk/…` are the SDK's own, under names that the
 * root manifest gives them.
 */
declare module "sdk/session" {
	import type CertificateManager from "firmware/boards/esp32/ssl/certificates";

	export interface SessionSocket {
		readable: number;
		writable: number;
		read(into: Uint8Array): unknown;
	}

	export default class SSLSession {
		constructor(options: object);
		certificateManager: CertificateManager;
		alert: { readonly level: number; readonly description: number } | undefined;
		clientCipher: object | null;
		serverCipher: object | null;
		/** Type of the last message from the server. */
		handshakeProcess: number;
		handshake(socket: SessionSocket): boolean;
		/** @returns one whole record, once there is one */
		readPacket(socket: SessionSocket): ArrayBuffer | undefined;
		read(socket: SessionSocket): Uint8Array | null | undefined;
		write(
			socket: SessionSocket,
			data: ArrayBuffer | Uint8Array,
			options?: object,
		): number;
		putData(data: Uint8Array): void;
	}
}

declare module "sdk/pkcs1_5" {
	export interface RsaKey {
		readonly modulus: bigint;
		readonly exponent: bigint;
	}

	export default class PKCS1_5 {
		constructor(key: RsaKey, isPrivate?: boolean, oid?: number[]);
		oid: number[] | undefined;
		readonly rsa: { process(value: bigint): bigint };
		/** bytes */
		readonly modulusSize: number;
		emsaEncode(hash: ArrayBuffer, length: number): bigint;
		verify(hash: ArrayBuffer, signature: ArrayBuffer): boolean;
	}
}

declare module "sdk/ecdsa" {
	export interface EcPoint {
		readonly X: bigint;
		readonly Y: bigint;
	}

	export default class ECDSA {
		constructor(key: EcPoint, curve: object, isPrivate?: boolean);
		/** bytes */
		readonly orderSize: number;
		readonly n: { readonly m: bigint };
		_verify(hash: ArrayBuffer, r: bigint, s: bigint): boolean;
		verify(hash: ArrayBuffer, signature: ArrayBuffer, isDer?: boolean): boolean;
	}
}

declare module "pkcs1" {
	export default class PKCS1 {
		static OS2IP(bytes: ArrayBuffer): bigint;
	}
}

declare module "pkcs8" {
	export default class PKCS8 {
		static parse(der: Uint8Array): object;
	}
}

declare module "ber" {
	export default class BER {
		constructor(bytes: ArrayBuffer | Uint8Array);
		getSequence(): Uint8Array;
		getInteger(): bigint;
	}
}

declare module "curve" {
	export default class Curve {
		constructor(name: string);
	}
}

declare module "ecp" {
	export default class ECPoint {
		/** Ours: called when a signature of this key was found good. */
		onVerified?: () => void;
		constructor(x: bigint, y: bigint);
		readonly X: bigint;
		readonly Y: bigint;
	}
}

declare module "ssl/constants" {
	export const AES: number;
	export const ECDHE_RSA: number;
	export const GCM: number;
	export const SHA256: number;
}
