// biome-ignore-all lint/style/noDefaultExport: the modules that are described here have default exports.
/** Moddable's ECMA-419 network, as SDK 8.2 has it: `@moddable/typings` 5.6 lacks Wi-Fi and TLS, and describes an older MQTT client. */
declare module "embedded:network/interface/wifi" {
	class WiFi {
		constructor(options: {
			/** @param what "connection" or "address" */
			onChanged?(what: string): void;
		});
		/** 200 disconnected, 300 connecting, 400 associated, 500 with addresses. */
		readonly connection: number;
		/** IPv4 where there is one, else IPv6. */
		readonly address: string | undefined;
		readonly MAC: string | undefined;
		readonly SSID: string | undefined;
		readonly BSSID: string | undefined;
		/** dBm */
		readonly RSSI: number | undefined;
		readonly channel: number | undefined;
		connect(options: {
			SSID: string;
			password?: string;
			channel?: number;
		}): void;
		disconnect(): void;
		/** Leaves the station as it is. */
		close(): void;
	}

	export { WiFi as default };
}

declare module "embedded:io/socket/tcp" {
	export interface TCPOptions {
		readonly address?: string;
		readonly host?: string;
		readonly port?: number;
		readonly nodelay?: boolean;
		readonly format?: "number" | "buffer";
		readonly from?: TCP;
		readonly onReadable?: (this: TCP, count: number) => void;
		readonly onWritable?: (this: TCP, count: number) => void;
		readonly onError?: (this: TCP) => void;
	}

	class TCP {
		constructor(options: TCPOptions);
		format: "number" | "buffer";
		readonly remoteAddress: string | undefined;
		readonly remotePort: number | undefined;
		read(
			count?: number | ArrayBuffer | Uint8Array,
		): number | ArrayBuffer | undefined;
		write(value: number | ArrayBuffer | ArrayBufferView): number | undefined;
		close(): void;
	}

	export { TCP as default };
}

declare module "embedded:io/socket/tcp/tls" {
	import type TCP from "embedded:io/socket/tcp";
	import type { TCPOptions } from "embedded:io/socket/tcp";

	export interface TLSSocketOptions
		extends Omit<TCPOptions, "onReadable" | "onWritable" | "onError" | "from"> {
		/** The class of the socket below, and further options of it. */
		readonly TCP?: { readonly io: new (options: never) => TCP };
		readonly secure?: object;
		readonly onReadable?: (this: TLSSocket, count: number) => void;
		readonly onWritable?: (this: TLSSocket, count: number) => void;
		readonly onError?: (this: TLSSocket, error?: unknown) => void;
	}

	class TLSSocket {
		constructor(options: TLSSocketOptions);
		format: "number" | "buffer";
		read(count?: number | Uint8Array): number | ArrayBuffer | undefined;
		write(value: number | ArrayBuffer | ArrayBufferView): number | undefined;
		close(): void;
	}

	export { TLSSocket as default };
}

declare module "embedded:network/mqtt/client" {
	export interface MQTTControl {
		readonly operation: number;
		readonly id?: number;
		readonly returnCode?: number;
		readonly payload?: readonly number[];
	}

	export interface MQTTReadInfo {
		readonly topic?: string;
		readonly byteLength?: number;
		readonly QoS?: number;
		readonly retain?: boolean;
		readonly more: boolean;
	}

	export interface MQTTClientOptions {
		readonly host: string;
		readonly port?: number;
		readonly id: string;
		readonly user?: string;
		readonly password?: string;
		readonly clean?: boolean;
		/** ms */
		readonly keepAlive?: number;
		readonly will?: object;
		/** An ECMA-419 resolver's class, and further options of it. */
		readonly dns: { readonly io: new (options: never) => object };
		/** A socket's class, and further options of it. */
		readonly socket: { readonly io: new (options: never) => object };
		readonly onReadable?: (count: number, info: MQTTReadInfo) => void;
		readonly onWritable?: (count: number) => void;
		readonly onControl?: (message: MQTTControl) => void;
		readonly onClose?: () => void;
		readonly onError?: (error?: unknown) => void;
	}

	export interface MQTTWriteOptions {
		readonly operation?: number;
		readonly id?: number;
		readonly topic?: string;
		readonly QoS?: number;
		readonly retain?: boolean;
		readonly duplicate?: boolean;
		readonly byteLength?: number;
		readonly items?: readonly object[];
	}

	class MQTTClient {
		constructor(options: MQTTClientOptions);
		read(count: number): ArrayBuffer;
		/** @returns how many bytes may be written next */
		write(
			data: ArrayBuffer | ArrayBufferView | null,
			options?: MQTTWriteOptions,
		): number;
		close(): void;
	}

	export { MQTTClient as default };
}
