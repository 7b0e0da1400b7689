/** A process of the XS host, or one of QEMU with it: events go in, requests and posts come out, and it ends for a reason. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { readFrames, writeFrame } from "./frames.ts";
import { hostCommand } from "./host-command.ts";
import { bundlePath, type HostKind, type ProcessorKind } from "./host-path.ts";
import { decodeMeasures, type Measures } from "./measures.ts";
import { NotBuiltError } from "./not-built-error.ts";
import { qemuCommand } from "./qemu/command.ts";
import { FrameKind, type Post, type Request, type TurnEvent } from "./wire.ts";
import { type Utf8, WireWriter } from "./wire-bytes.ts";
import { decodePost, decodeRequest, encodeEvent } from "./wire-codec.ts";

export { bundlePath, hostPath } from "./host-path.ts";
export type { HostKind, ProcessorKind };
export { NotBuiltError };

/** What the heap of a machine is made of; each has a default in the host. */
export interface ProcessorSizes {
	readonly chunkBytes?: number;
	readonly slots?: number;
	/** Once it is loaded. The node needs 513 … 576 (32-bit, measured), and more than 608 while it updates; the host's default is 768. */
	readonly stackSlots?: number;
	/** Beyond built-ins and program, which a device has in flash; 0 for no limit. */
	readonly heapLimitBytes?: number;
}

/** What a process is started with. */
interface ProcessorStart extends ProcessorSizes {
	readonly kind: ProcessorKind;
	/** The program that it runs, byte code or JavaScript; on qemu, the content of the flash. */
	readonly bundle: string;
	/** On qemu: see `QemuOptions`. */
	readonly countInstructions?: boolean;
}

export interface ProcessorOptions extends ProcessorStart {
	/** @returns the reply's bytes. @throws Error whose message XS gets */
	onRequest(request: Request): Uint8Array;
	onPost(post: Post): void;
	/** The host's own last words. */
	onLastWords(text: string): void;
	/** The process is gone: its exit code, or null when a signal killed it. Called once. */
	onExit(code: number | null): void;
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();
export const nodeUtf8: Utf8 = {
	encode: (text) => textEncoder.encode(text),
	decode: (bytes) => textDecoder.decode(bytes),
};

function requireBuilt(path: string, how: string): string {
	if (!existsSync(path)) {
		throw new NotBuiltError(`${path} has not been built: ${how}.`);
	}
	return path;
}

interface Command {
	readonly command: string;
	readonly args: readonly string[];
}

const SIZES = [
	["--chunk", "chunkBytes"],
	["--slots", "slots"],
	["--stack", "stackSlots"],
	["--heap-limit", "heapLimitBytes"],
] as const;

function virtualCommand(kind: HostKind, options: ProcessorStart): Command {
	const bundle = requireBuilt(
		options.bundle,
		"node --import=tsx tools/build/firmware.ts makes it",
	);
	const { command, args } = hostCommand(kind);
	return {
		command,
		args: [
			...args,
			...["--bundle", bundle],
			...SIZES.flatMap(([name, key]) => {
				const value = options[key];
				return value === undefined ? [] : [name, String(value)];
			}),
		],
	};
}

function commandOf(options: ProcessorStart): Command {
	const { kind } = options;
	if (kind !== "qemu") return virtualCommand(kind, options);
	if (SIZES.some(([, key]) => options[key] !== undefined)) {
		throw new RangeError("The qemu board's memory has the size that it has.");
	}
	return qemuCommand({
		image: requireBuilt(
			options.bundle,
			"`make qemu` makes it, once this has installed its compiler: sudo apt-get install -y --no-install-recommends gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf binutils-riscv64-unknown-elf",
		),
		countInstructions: options.countInstructions === true,
	});
}

/** @throws NotBuiltError when a board of this kind could not run the firmware here; it says what to do */
export function requireProcessor(kind: ProcessorKind): void {
	commandOf({ kind, bundle: bundlePath(kind) });
}

export class Processor {
	readonly #process: ChildProcess;
	readonly #in: Writable;
	readonly #writer = new WireWriter(nodeUtf8);
	/** Who waits for measures, in the order in which they are answered. */
	#asked: ((measures: Measures | null) => void)[] = [];

	/** @throws NotBuiltError */
	constructor(options: ProcessorOptions) {
		const { command, args } = commandOf(options);
		const onQemu = options.kind === "qemu";
		this.#process = spawn(command, args, {
			stdio: onQemu
				? ["pipe", "pipe", "pipe"]
				: ["ignore", "ignore", "ignore", "pipe", "pipe"],
		});
		const { stdio } = this.#process;
		this.#in = (onQemu ? stdio[0] : stdio[3]) as Writable;
		// A write to a process that has ended; its end is reported by itself.
		this.#in.on("error", () => undefined);
		const out = (onQemu ? stdio[1] : stdio[4]) as Readable;
		out.on("error", () => undefined);
		readFrames(out, (kind, bytes) => this.#receive(options, kind, bytes));
		// QEMU's own complaints; the board itself speaks in frames.
		this.#process.stderr?.on("data", (text: Buffer) =>
			options.onLastWords(text.toString("utf8").trimEnd()),
		);
		let ended = false;
		const end = (code: number | null) => {
			if (ended) return;
			ended = true;
			for (const tell of this.#asked) tell(null);
			this.#asked = [];
			options.onExit(code);
		};
		this.#process.on("error", (error) => {
			options.onLastWords(`The board's process: ${error.message}`);
			end(null);
		});
		// "close" comes after the last frame has been read; "exit" might come before.
		this.#process.on("close", (code) => end(code));
	}

	/** Starts a turn. `uptimeMs` is the time of all of it. */
	send(uptimeMs: number, event: TurnEvent): void {
		const message = encodeEvent(this.#writer, uptimeMs, event);
		writeFrame(this.#in, FrameKind.EVENT, message);
	}

	/** Between two turns, or within a call; null when the process ends before it answers. */
	measure(): Promise<Measures | null> {
		return new Promise((resolve) => {
			this.#asked.push(resolve);
			writeFrame(this.#in, FrameKind.QUERY, new Uint8Array(0));
		});
	}

	kill(): void {
		this.#process.kill("SIGKILL");
	}

	/** Resident and proportional memory of the process in bytes, or null when it is gone. Linux only. */
	memory(): { readonly rssBytes: number; readonly pssBytes: number } | null {
		const { pid } = this.#process;
		try {
			const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
			const bytes = (name: string) =>
				1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
			return { rssBytes: bytes("Rss"), pssBytes: bytes("Pss") };
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code === "ENOENT" || code === "ESRCH") return null;
			throw error;
		}
	}

	#receive(options: ProcessorOptions, kind: number, bytes: Uint8Array): void {
		switch (kind) {
			case FrameKind.CALL:
				this.#reply(options, bytes);
				break;
			case FrameKind.POST:
				options.onPost(decodePost(nodeUtf8, bytes));
				break;
			case FrameKind.LOG:
				options.onLastWords(nodeUtf8.decode(bytes));
				break;
			case FrameKind.MEASURES:
				this.#asked.shift()?.(decodeMeasures(bytes));
				break;
		}
	}

	#reply(options: ProcessorOptions, bytes: Uint8Array): void {
		let reply: Uint8Array;
		try {
			reply = options.onRequest(decodeRequest(nodeUtf8, bytes));
		} catch (error) {
			const text = error instanceof Error ? error.message : String(error);
			writeFrame(this.#in, FrameKind.REPLY_ERROR, nodeUtf8.encode(text));
			return;
		}
		writeFrame(this.#in, FrameKind.REPLY, reply);
	}
}
