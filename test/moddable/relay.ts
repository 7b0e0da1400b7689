/** A port behind which the server can be changed. */
import { once } from "node:events";
import {
	type AddressInfo,
	connect,
	createServer,
	type Server,
	type Socket,
} from "node:net";

export class Relay {
	/** The port that new connections go to. */
	target = 0;
	readonly #server: Server;
	readonly #sockets = new Set<Socket>();

	constructor() {
		this.#server = createServer((socket) => {
			const onward = connect(this.target, "127.0.0.1");
			for (const [from, to] of [
				[socket, onward],
				[onward, socket],
			] as const) {
				this.#sockets.add(from);
				from.pipe(to);
				from.on("error", () => to.destroy());
				from.on("close", () => {
					this.#sockets.delete(from);
					to.destroy();
				});
			}
		});
	}

	async listen(): Promise<number> {
		this.#server.listen(0, "127.0.0.1");
		await once(this.#server, "listening");
		return (this.#server.address() as AddressInfo).port;
	}

	/** Ends what is connected, too. */
	switchTo(port: number): void {
		this.target = port;
		this.#end();
	}

	close(): void {
		this.#server.close();
		this.#end();
	}

	#end(): void {
		for (const socket of this.#sockets) socket.destroy();
	}
}
