/** Connections beside that to the broker, whose sockets are on the other side of the channel. */
import type { Connect, Socket, SocketOptions } from "../../../node/socket.ts";
import type { TurnEvent } from "../wire.ts";
import { call, post } from "./host.ts";

const NOTHING = new Uint8Array(0);

/** Made with the first connection, and as good as nothing after the last. */
export class ChannelSockets {
	readonly #open = new Map<number, SocketOptions>();
	#lastId = 0;

	readonly connect: Connect = (options) => {
		const socket = ++this.#lastId;
		this.#open.set(socket, options);
		const { host, port, isSecure } = options;
		post({ op: "socket_connect", socket, host, port, isSecure });
		return new ChannelSocket(socket, this.#open);
	};

	/** Events for a connection that has been closed meanwhile go nowhere. */
	dispatch(event: TurnEvent): void {
		switch (event.op) {
			case "socket_readable":
				this.#open.get(event.socket)?.onReadable(event.count);
				break;
			case "socket_writable":
				this.#open.get(event.socket)?.onWritable(event.count);
				break;
			case "socket_end": {
				const options = this.#open.get(event.socket);
				this.#open.delete(event.socket);
				options?.onEnd(event.reason);
				break;
			}
		}
	}
}

class ChannelSocket implements Socket {
	readonly #socket: number;
	readonly #open: Map<number, SocketOptions>;

	constructor(socket: number, open: Map<number, SocketOptions>) {
		this.#socket = socket;
		this.#open = open;
	}

	read(count: number): Uint8Array {
		return this.#open.has(this.#socket)
			? call({ op: "socket_read", socket: this.#socket, count })
			: NOTHING;
	}

	write(bytes: Uint8Array): number {
		if (!this.#open.has(this.#socket)) return 0;
		const reply = call({ op: "socket_write", socket: this.#socket, bytes });
		return new DataView(reply.buffer).getUint32(0, true);
	}

	close(): void {
		if (!this.#open.delete(this.#socket)) return;
		post({ op: "socket_close", socket: this.#socket });
	}
}
