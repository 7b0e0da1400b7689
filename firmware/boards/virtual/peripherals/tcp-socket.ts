/**
 * One TCP connection of a node beside that to its broker, with TLS where asked for, as Moddable's sockets behave: no more is taken in
 * than the node has read room for, and what has come is read before its end is told.
 */
import type { OfflineReason } from "../../../node/ports.ts";
import type { TurnEvent } from "../wire.ts";
import type { Release, VirtualClock } from "./clock.ts";
import { Link, type LinkOptions, type NetworkFaults } from "./link.ts";

export interface SocketTarget {
	readonly host: string;
	readonly port: number;
	readonly isSecure: boolean;
}

export interface TcpSocketOptions {
	readonly socket: number;
	readonly target: SocketTarget;
	readonly secure: LinkOptions["secure"];
	readonly clock: VirtualClock;
	readonly faults: NetworkFaults;
	onEvent(event: TurnEvent): void;
}

/** lwIP's on an ESP32, by default (ESP-IDF, CONFIG_LWIP_TCP_WND_DEFAULT and CONFIG_LWIP_TCP_SND_BUF_DEFAULT). */
const WINDOW_BYTES = 5760;
const SEND_BUFFER_BYTES = 5760;
/** For how much real time simulated time waits for what the other side sends. */
const HOLD_CAP_MS = 2000;

export class TcpSocket {
	readonly #options: TcpSocketOptions;
	readonly #link: Link;
	/** Come, and not read. */
	#unread: Buffer = Buffer.alloc(0);
	/** Of it, so much has been told to the node. */
	#told = 0;
	#writable = 0;
	#ended: OfflineReason | null = null;
	#isClosed = false;
	#release: Release | undefined;

	constructor(options: TcpSocketOptions) {
		const { clock, faults, secure, target } = options;
		this.#options = options;
		this.#await();
		this.#link = new Link({
			host: target.host,
			port: target.port,
			secure: target.isSecure ? secure : undefined,
			clock,
			faults,
			onOpen: () => this.#offer(SEND_BUFFER_BYTES),
			onBytes: (bytes) => this.#take(bytes),
			onDrained: (count) => this.#offer(count),
			onFailure: (reason) => {
				this.#ended = reason;
				this.#tellEnd();
			},
		});
	}

	/** Up to `count` bytes of those that were told. */
	read(count: number): Uint8Array {
		const bytes = this.#unread.subarray(0, Math.min(count, this.#told));
		this.#unread = this.#unread.subarray(bytes.length);
		this.#told -= bytes.length;
		if (this.#told === 0 && bytes.length > 0) this.#goOn();
		return bytes;
	}

	/** @returns how many bytes may be written next. @throws Error "overflow" when it is more than may be written */
	write(bytes: Uint8Array): number {
		if (bytes.length > this.#writable) throw new Error("overflow");
		this.#writable -= bytes.length;
		this.#link.write(bytes);
		this.#await();
		return this.#writable;
	}

	/** No event follows. */
	close(): void {
		this.#isClosed = true;
		this.#unread = Buffer.alloc(0);
		this.#told = 0;
		this.#link.close(true);
		this.#answered();
	}

	#offer(count: number): void {
		this.#writable += count;
		const { socket, onEvent } = this.#options;
		if (this.#isClosed) return;
		onEvent({ op: "socket_writable", socket, count: this.#writable });
	}

	#take(bytes: Buffer): void {
		this.#unread = Buffer.concat([this.#unread, bytes]);
		if (this.#unread.length >= WINDOW_BYTES) this.#link.pause();
		if (this.#told === 0) this.#tell();
	}

	/** All that was told has been read. */
	#goOn(): void {
		if (this.#unread.length > 0) this.#tell();
		else if (this.#ended !== null) this.#tellEnd();
		else this.#await();
		if (this.#unread.length < WINDOW_BYTES) this.#link.resume();
	}

	#tell(): void {
		const { socket, onEvent } = this.#options;
		this.#told = Math.min(this.#unread.length, WINDOW_BYTES);
		onEvent({ op: "socket_readable", socket, count: this.#told });
		this.#answered();
	}

	#tellEnd(): void {
		const { socket, onEvent } = this.#options;
		if (this.#isClosed || this.#ended === null || this.#unread.length > 0)
			return;
		this.#isClosed = true;
		// The event first: it starts a turn, and time must not move before that.
		onEvent({ op: "socket_end", socket, reason: this.#ended });
		this.#answered();
	}

	#await(): void {
		const { clock, faults } = this.#options;
		if (faults.none && !this.#isClosed)
			this.#release ??= clock.hold(HOLD_CAP_MS);
	}

	#answered(): void {
		this.#release?.();
		this.#release = undefined;
	}
}
