/** Connections beside that to the broker, for whoever speaks another protocol than MQTT. */
import type { OfflineReason } from "./ports.ts";

export interface SocketOptions {
	readonly host: string;
	readonly port: number;
	/** TLS, with the server judged as the broker is. */
	readonly isSecure: boolean;
	/** `count` bytes wait to be read; until they are, no more than a board has room for come in. */
	onReadable(count: number): void;
	/** It is up, or what was written has left: `count` bytes may be written. */
	onWritable(count: number): void;
	/** It has not come up, or has ended and all that came has been read. No call follows. */
	onEnd(reason: OfflineReason): void;
}

/** Nothing is thrown for what the network does. None of the callbacks is called before the socket is returned, nor after `close`. */
export interface Socket {
	/** Up to `count` of the bytes that wait. */
	read(count: number): Uint8Array;
	/** No more than may be written. @returns how many bytes may be written next */
	write(bytes: Uint8Array): number;
	close(): void;
}

/** Starts to connect. */
export type Connect = (options: SocketOptions) => Socket;
