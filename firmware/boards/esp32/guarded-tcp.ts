/**
 * The TCP socket below TLS. Moddable's TLS throws out of the socket's callbacks, where it would end the virtual machine
 * (examples/io/tcp/tlssocket): here that is a fault of the connection. It also tells how far the connection has come.
 */
import TCP from "embedded:io/socket/tcp";
import type { ConnectionWatch } from "./network-watch.ts";

export interface GuardedOptions {
	readonly watch: ConnectionWatch;
	readonly address: string;
	readonly port: number;
	readonly onReadable?: (count: number) => void;
	readonly onWritable?: (count: number) => void;
	readonly onError?: () => void;
}

export class GuardedTcp extends TCP {
	constructor(options: GuardedOptions) {
		const { watch, onReadable, onWritable, onError } = options;
		super({
			...options,
			onReadable(count: number) {
				if (watch.stage === "ended") return;
				try {
					onReadable?.(count);
				} catch (error) {
					watch.onFault(error);
				}
			},
			onWritable(count: number) {
				if (watch.stage === "ended") return;
				if (watch.stage === "tcp") watch.stage = "tls";
				try {
					onWritable?.(count);
				} catch (error) {
					watch.onFault(error);
				}
			},
			onError() {
				if (watch.stage === "ended") return;
				watch.socketEnded = true;
				onError?.();
			},
		});
	}
}
