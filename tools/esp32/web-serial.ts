/** Our port as the Web Serial port that esptool-js expects (https://wicg.github.io/serial/), as much of it as that calls. */
import type { Port } from "./port.ts";

export interface WebSerialPort {
	readonly readable: ReadableStream<Uint8Array> | null;
	readonly writable: WritableStream<Uint8Array> | null;
	open(options: { readonly baudRate: number }): Promise<void>;
	close(): Promise<void>;
	getInfo(): { usbVendorId?: number; usbProductId?: number };
	setSignals(signals: {
		dataTerminalReady?: boolean;
		requestToSend?: boolean;
	}): Promise<void>;
	/** Not of Web Serial: esptool-js asks for it, and does not open the port anew then, which resets some boards. */
	setBaudRate(baudRate: number): Promise<void>;
}

/** The port is open already, and stays so: what is opened and closed here is the reading of it. */
export function asWebSerial(port: Port): WebSerialPort {
	let reading: ReadableStream<Uint8Array> | null = null;
	let writing: WritableStream<Uint8Array> | null = null;
	return {
		get readable() {
			return reading;
		},
		get writable() {
			return writing;
		},
		async open({ baudRate }) {
			await port.setBaudRate(baudRate);
			reading = readFrom(port);
			writing = writeTo(port);
		},
		async close() {
			reading = null;
			writing = null;
		},
		getInfo: () => ({
			...(port.usbVendorId === undefined
				? {}
				: { usbVendorId: port.usbVendorId }),
			...(port.usbProductId === undefined
				? {}
				: { usbProductId: port.usbProductId }),
		}),
		setSignals: ({ dataTerminalReady, requestToSend }) =>
			port.setSignals({
				...(dataTerminalReady === undefined ? {} : { dtr: dataTerminalReady }),
				...(requestToSend === undefined ? {} : { rts: requestToSend }),
			}),
		setBaudRate: (baudRate) => port.setBaudRate(baudRate),
	};
}

/** A stream that can be cancelled without an end of the port. */
function readFrom({ stream }: Port): ReadableStream<Uint8Array> {
	let stop: () => void = () => undefined;
	return new ReadableStream<Uint8Array>({
		start(controller) {
			const take = (chunk: Uint8Array) => controller.enqueue(chunk);
			const end = () => {
				stop();
				controller.close();
			};
			stop = () => {
				stream.off("data", take);
				stream.off("close", end);
			};
			stream.on("data", take);
			stream.on("close", end);
		},
		cancel() {
			stop();
		},
	});
}

function writeTo({ stream }: Port): WritableStream<Uint8Array> {
	return new WritableStream<Uint8Array>({
		write: (chunk) =>
			new Promise((resolve, reject) => {
				stream.write(chunk, (error) => {
					if (error) reject(error);
					else resolve();
				});
			}),
	});
}
