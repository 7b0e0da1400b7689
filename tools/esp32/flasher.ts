/**
 * Writes a plan into a board's flash over its serial port, with esptool-js: its loader and its flasher stub, not its image writer, which
 * gives wrong checksums. Each part is compared by its MD5 in flash afterwards.
 *
 * No ESP32 was at hand: this was run against a stand-in for the chip's ROM (fakes/rom-loader.ts) alone.
 */
import { createHash } from "node:crypto";
import type { ESPLoader, Transport } from "esptool-js";
import { chipNameOf } from "../../firmware/image/app-image.ts";
import { BoardError } from "./errors.ts";
import type { FlashPlan, FlashWrite } from "./flash-plan.ts";
import type { Port } from "./port.ts";
import { asWebSerial } from "./web-serial.ts";

/** What every chip's ROM listens at. */
export const ROM_BAUD_RATE = 115_200;

export interface FlashProgress {
	readonly what: FlashWrite["what"];
	readonly offset: number;
	readonly sizeBytes: number;
	/** 0 … 1 */
	readonly share: number;
}

export interface FlashOptions {
	/** For writing; ROM_BAUD_RATE leaves it as it is. */
	readonly baudRate: number;
	/** How often a connection is tried. */
	readonly attempts?: number;
	onProgress(progress: FlashProgress): void;
	/** What the loader says, line by line. */
	onMessage?(line: string): void;
}

/**
 * Connects, writes, compares and restarts the board. The port stays open.
 * @throws BoardError no_sync, wrong_chip, flash_too_small, verify_failed, port_lost, loader_failed
 */
export async function flash(
	port: Port,
	plan: FlashPlan,
	options: FlashOptions,
): Promise<void> {
	const lost = new Promise<never>((_, reject) => {
		const fail = (cause?: Error) =>
			reject(
				new BoardError(
					"port_lost",
					"The port went away. What was being written is incomplete: flash again.",
					cause,
				),
			);
		port.stream.once("close", () => fail());
		port.stream.once("error", fail);
	});
	// Whoever wins is told of; the other's end is a consequence of it.
	lost.catch(() => undefined);
	const work = run(port, plan, options);
	work.catch(() => undefined);
	await Promise.race([work, lost]);
}

async function run(
	port: Port,
	plan: FlashPlan,
	options: FlashOptions,
): Promise<void> {
	const { loader, transport } = await makeLoader(port, options);
	try {
		await connect(loader, options.attempts ?? 7);
		requireChip(loader, plan);
		await loader.runStub();
		if (options.baudRate !== ROM_BAUD_RATE) await loader.changeBaud();
		await requireFlash(loader, plan);
		await write(loader, plan, options);
		await restart(port);
	} catch (error) {
		throw asBoardError(error);
	} finally {
		// It would go on reading, and nobody else could.
		await stopReading(transport);
	}
}

async function makeLoader(
	port: Port,
	{ baudRate, onMessage }: FlashOptions,
): Promise<{ readonly loader: ESPLoader; readonly transport: Transport }> {
	const esptool = await import("esptool-js");
	const transport = new esptool.Transport(asWebSerial(port) as never);
	// It writes to the console, where results go.
	transport.trace = () => undefined;
	let line = "";
	const loader = new esptool.ESPLoader({
		transport,
		baudrate: baudRate,
		romBaudrate: ROM_BAUD_RATE,
		terminal: {
			clean: () => {
				line = "";
			},
			write: (text) => {
				line += text;
			},
			writeLine: (text) => {
				onMessage?.(`${line}${text}`.trim());
				line = "";
			},
		},
	});
	return { loader, transport };
}

async function connect(loader: ESPLoader, attempts: number): Promise<void> {
	try {
		await loader.detectChip("default_reset", attempts);
	} catch (cause) {
		const { message } = cause as Error;
		if (message.startsWith("Unexpected"))
			throw new BoardError("wrong_chip", message, cause);
		throw new BoardError(
			"no_sync",
			"No chip answers. Hold its BOOT button while it is reset, and check the cable and the port.",
			cause,
		);
	}
}

function requireChip(loader: ESPLoader, plan: FlashPlan): void {
	const { IMAGE_CHIP_ID: chipId } = loader.chip as { IMAGE_CHIP_ID?: number };
	if (plan.chipId === null || chipId === plan.chipId) return;
	throw new BoardError(
		"wrong_chip",
		`The board has an ${loader.chip.CHIP_NAME}${chipId === undefined ? "" : ` (${chipNameOf(chipId)})`}, and the images are for ${plan.chip}.`,
	);
}

async function requireFlash(loader: ESPLoader, plan: FlashPlan): Promise<void> {
	const size = await loader.detectFlashSize();
	if (size === undefined)
		throw new BoardError(
			"loader_failed",
			"The chip does not say how large its flash is.",
		);
	const [, number, unit] = /^(\d+)(KB|MB)$/.exec(size) ?? [];
	const sizeBytes = Number(number) << (unit === "MB" ? 20 : 10);
	if (sizeBytes < plan.flashBytes)
		throw new BoardError(
			"flash_too_small",
			`The board has ${size} of flash, and the partition table takes ${plan.flashBytes} bytes.`,
		);
}

/** One by one, so that a failure names what was being written. */
async function write(
	loader: ESPLoader,
	plan: FlashPlan,
	{ onProgress }: FlashOptions,
): Promise<void> {
	for (const { what, offset, bytes } of plan.writes) {
		try {
			await loader.writeFlash({
				fileArray: [{ data: bytes, address: offset }],
				flashMode: "keep",
				flashFreq: "keep",
				flashSize: "keep",
				eraseAll: false,
				compress: true,
				reportProgress: (_, written, total) =>
					onProgress({
						what,
						offset,
						sizeBytes: bytes.length,
						share: written / total,
					}),
				calculateMD5Hash: (image) =>
					createHash("md5").update(image).digest("hex"),
			});
		} catch (cause) {
			const { message } = cause as Error;
			if (message.includes("MD5"))
				throw new BoardError(
					"verify_failed",
					`What is in flash of the ${what} is not what was written: flash again; if that fails too, the flash is worn or the supply too weak.`,
					cause,
				);
			throw new BoardError(
				"loader_failed",
				`The ${what} could not be written: ${message}`,
				cause,
			);
		}
	}
}

/** EN low, then high, with IO0 high: the firmware starts (esptool's documentation, "Boot Mode Selection"). */
export async function restart(port: Port): Promise<void> {
	await port.setSignals({ dtr: false, rts: true });
	await new Promise((resolve) => setTimeout(resolve, 100));
	await port.setSignals({ dtr: false, rts: false });
}

async function stopReading(transport: Transport): Promise<void> {
	const { reader } = transport as unknown as {
		reader?: ReadableStreamDefaultReader<Uint8Array>;
	};
	// A reader that was let go of already has nothing to cancel.
	await reader?.cancel().catch(() => undefined);
}

function asBoardError(error: unknown): BoardError {
	if (error instanceof BoardError) return error;
	return new BoardError(
		"loader_failed",
		`The chip's loader failed: ${(error as Error).message}`,
		error,
	);
}
