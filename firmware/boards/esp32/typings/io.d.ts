// biome-ignore-all lint/style/noDefaultExport: the modules that are described here have default exports.
/** Moddable's I²C and the board's own pins, as SDK 8.2 has them: those of `@moddable/typings` 5.6 cannot be closed. */
declare module "embedded:io/analog" {
	class Analog {
		constructor(options: { readonly pin: number });
		/** Bits of a reading. */
		readonly resolution: number;
		/** undefined when the conversion failed. */
		read(): number | undefined;
		close(): void;
	}

	export { Analog as default };
}

declare module "embedded:io/smbus" {
	export interface SMBusOptions {
		readonly data: number;
		readonly clock: number;
		readonly address: number;
		readonly hz: number;
		readonly port?: number | string;
		readonly timeout?: number;
		readonly pullup?: boolean;
	}

	class SMBus {
		constructor(options: SMBusOptions);
		read(count: number, stop?: boolean): ArrayBuffer;
		read(into: ArrayBuffer | ArrayBufferView, stop?: boolean): number;
		write(bytes: ArrayBuffer | ArrayBufferView, stop?: boolean): void;
		writeRead(
			bytes: ArrayBuffer | ArrayBufferView,
			count: number | ArrayBuffer | ArrayBufferView,
			stop?: boolean,
		): ArrayBuffer | number;
		readUint8(register: number): number;
		writeUint8(register: number, value: number): void;
		readUint16(register: number, bigEndian?: boolean): number;
		writeUint16(register: number, value: number, bigEndian?: boolean): void;
		readBuffer(
			register: number,
			count: number | ArrayBuffer | ArrayBufferView,
		): ArrayBuffer | number;
		writeBuffer(register: number, bytes: ArrayBuffer | ArrayBufferView): void;
		sendByte(command: number): void;
		receiveByte(): number;
		close(): void;
	}

	export { SMBus as default };
}

declare module "embedded:provider/builtin" {
	const device: {
		/** The SDK names pins for some boards only; plain `esp32` has none. */
		readonly I2C?: {
			readonly default?: { readonly data: number; readonly clock: number };
		};
	};

	export { device as default };
}
