/** A serial port, as little of one as flashing and listening take; and those that this machine has. */
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { BoardError } from "./errors.ts";

export interface Port {
	/** Closes itself, with "close", when the device goes away. */
	readonly stream: Duplex;
	/** Of USB, where they are known: a chip's own port is reset otherwise than a converter's. */
	readonly usbVendorId?: number;
	readonly usbProductId?: number;
	setSignals(signals: {
		readonly dtr?: boolean;
		readonly rts?: boolean;
	}): Promise<void>;
	setBaudRate(baudRate: number): Promise<void>;
	close(): Promise<void>;
}

/** What they are called where USB converters and chips with USB of their own appear. */
const PORT_NAMES: Readonly<Partial<Record<NodeJS.Platform, RegExp>>> = {
	linux: /^tty(USB|ACM)\d+$/,
	darwin: /^cu\.(usb|wch|SLAB)/,
};

/** Paths of the ports that a board may be on. */
export async function listPorts(
	platform: NodeJS.Platform = process.platform,
	folder = "/dev",
): Promise<readonly string[]> {
	const names = PORT_NAMES[platform];
	if (names !== undefined)
		return readdirSync(folder)
			.filter((name) => names.test(name))
			.sort()
			.map((name) => join(folder, name));
	const { SerialPort } = await loadSerial();
	return (await SerialPort.list()).map(({ path }) => path);
}

/**
 * The port to use: the one that is named, or the only one.
 * @throws BoardError no_port
 */
export function choosePort(
	named: string | undefined,
	ports: readonly string[],
): string {
	if (named !== undefined) return named;
	const [only, ...others] = ports;
	if (only === undefined)
		throw new BoardError(
			"no_port",
			"There is no serial port. Is the board connected, by a cable that carries data? Name the port by --port if it is called otherwise.",
		);
	if (others.length > 0)
		throw new BoardError(
			"no_port",
			`There are ${ports.length} serial ports: name one by --port. ${ports.join(", ")}`,
		);
	return only;
}

async function loadSerial(): Promise<typeof import("serialport")> {
	try {
		return await import("serialport");
	} catch (cause) {
		throw new BoardError(
			"no_serial",
			"The package `serialport` cannot be loaded on this machine: run `npm install` again, or flash by `make esp32 DEPLOY=1`.",
			cause,
		);
	}
}

/** @throws BoardError no_port, port_refused, no_serial */
export async function openPort(path: string, baudRate: number): Promise<Port> {
	const { SerialPort } = await loadSerial();
	const stream = new SerialPort({ path, baudRate, autoOpen: false });
	const call = (act: (done: (error: Error | null) => void) => void) =>
		new Promise<void>((resolve, reject) => {
			act((error) => {
				if (error === null || error === undefined) resolve();
				else reject(error);
			});
		});
	try {
		await call((done) => stream.open(done));
	} catch (cause) {
		const { message } = cause as Error;
		if (/no such file|cannot find|ENOENT/i.test(message))
			throw new BoardError("no_port", `There is no port ${path}.`, cause);
		throw new BoardError(
			"port_refused",
			`${path} cannot be opened (${message}). Does another program have it? On Linux its group, often dialout, is needed.`,
			cause,
		);
	}
	return {
		stream,
		...usbIdsOf(path),
		setSignals: (signals) => call((done) => stream.set(signals, done)),
		setBaudRate: (rate) =>
			call((done) => stream.update({ baudRate: rate }, done)),
		close: () => call((done) => stream.close(done)),
	};
}

/** From Linux's sysfs; nothing elsewhere. */
function usbIdsOf(path: string): Pick<Port, "usbVendorId" | "usbProductId"> {
	try {
		const name = realpathSync(path).split("/").at(-1) ?? "";
		const device = realpathSync(join("/sys/class/tty", name, "device"));
		for (const folder of [join(device, ".."), join(device, "../..")]) {
			const id = (file: string) =>
				Number.parseInt(readFileSync(join(folder, file), "utf8"), 16);
			if (!readdirSync(folder).includes("idVendor")) continue;
			return { usbVendorId: id("idVendor"), usbProductId: id("idProduct") };
		}
		return {};
	} catch (error) {
		// Not of USB, or not Linux: the usual reset is right then.
		if ((error as NodeJS.ErrnoException).code === undefined) throw error;
		return {};
	}
}
