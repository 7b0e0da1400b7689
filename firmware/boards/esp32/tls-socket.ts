/** Moddable's TLS socket, which here tells how far the connection has come, and what a CONNACK that it carries says. */
import TLSSocket from "embedded:io/socket/tcp/tls";
import type { ConnectionWatch } from "./network-watch.ts";

export interface WatchedTlsOptions {
	readonly watch: ConnectionWatch;
	readonly onReadable?: (count: number) => void;
	readonly onWritable?: (count: number) => void;
	readonly onError?: () => void;
}

/** As it is in the SDK's examples/io/tcp/tlssocket/tlssocket.js. */
type TlsClass = new (
	options: object,
) => {
	read(count?: number | Uint8Array): number | ArrayBuffer | undefined;
	write(data: ArrayBuffer | ArrayBufferView, options?: object): number;
};

const TlsOfSdk = TLSSocket as unknown as TlsClass;

/** CONNACK (MQTT 3.1.1, section 3.2): type, length, flags, return code. */
const RETURN_CODE_AT = 3;

export class WatchedTlsSocket extends TlsOfSdk {
	readonly #watch: ConnectionWatch;
	#bytesRead = 0;

	constructor(options: WatchedTlsOptions) {
		const { watch, onReadable, onWritable, onError } = options;
		super({
			...options,
			// TLS calls these from timers, too, where nobody catches what the MQTT client throws at what it cannot read.
			onReadable(count: number) {
				try {
					onReadable?.(count);
				} catch (error) {
					watch.onFault(error);
				}
			},
			onWritable(count: number) {
				// It says so first when the handshake is over.
				if (watch.stage === "tls") watch.stage = "login";
				try {
					onWritable?.(count);
				} catch (error) {
					watch.onFault(error);
				}
			},
			onError() {
				// The TLS layer says so, too, when the other side has closed it.
				watch.socketEnded = true;
				onError?.();
			},
		});
		this.#watch = watch;
	}

	/** The MQTT client writes from timers, too: for keep-alive, and what it answers by itself. */
	override write(
		data: ArrayBuffer | ArrayBufferView,
		options?: object,
	): number {
		try {
			return super.write(data, options);
		} catch (error) {
			this.#watch.onFault(error);
			return 0;
		}
	}

	/** The MQTT client reads headers byte by byte; of a CONNACK that refuses it does not hand on the return code. */
	override read(count?: number | Uint8Array): number | ArrayBuffer | undefined {
		const result = super.read(count);
		if (this.#watch.stage === "login" && typeof result === "number") {
			if (this.#bytesRead === RETURN_CODE_AT) this.#watch.returnCode = result;
			this.#bytesRead++;
		}
		return result;
	}
}
