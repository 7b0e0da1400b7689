/** A process of the XS host: events go in, requests and posts come out, and it ends for a reason. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { readFrames, writeFrame } from "./frames.ts";
import { FrameKind, type Post, type Request, type TurnEvent } from "./wire.ts";
import { type Utf8, WireWriter } from "./wire-bytes.ts";
import { decodePost, decodeRequest, encodeEvent } from "./wire-codec.ts";

export type ProcessorKind = "virtual" | "virtual32";

/** The host or the bundle has not been built. */
export class NotBuiltError extends Error {
	override readonly name = "NotBuiltError";
	readonly code = "not_built";
}

/** What the heap of a machine is made of; each has a default in the host. */
export interface ProcessorSizes {
	readonly chunkBytes?: number;
	readonly slots?: number;
	/** The node needs 513 … 576 (32-bit, measured); the host's default is 768. */
	readonly stackSlots?: number;
	/** Beyond built-ins and program, which a device has in flash; 0 for no limit. */
	readonly heapLimitBytes?: number;
}

export interface ProcessorOptions extends ProcessorSizes {
	readonly kind: ProcessorKind;
	/** The bundle that it runs. */
	readonly bundle: string;
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

/** `dist/`: this file runs from its source, or bundled into a file there. */
const DIST = import.meta.url.endsWith(".ts")
	? new URL("../../../dist/", import.meta.url)
	: new URL("./", import.meta.url);

/** Where `make -C firmware/boards/virtual/host` puts the host. */
export function hostPath(kind: ProcessorKind): string {
	const name = kind === "virtual32" ? "thinghz-xs32" : "thinghz-xs";
	return fileURLToPath(new URL(`host/${name}`, DIST));
}

/** Where tools/build/firmware.ts puts the bundle. */
export function bundlePath(): string {
	return fileURLToPath(new URL("firmware/virtual.js", DIST));
}

function requireBuilt(path: string, how: string): string {
	if (!existsSync(path)) {
		throw new NotBuiltError(`${path} has not been built: ${how}.`);
	}
	return path;
}

function hostArguments(options: ProcessorOptions): string[] {
	const bundle = requireBuilt(
		options.bundle,
		"node --import=tsx tools/build/firmware.ts makes it",
	);
	const numbers: [string, number | undefined][] = [
		["--chunk", options.chunkBytes],
		["--slots", options.slots],
		["--stack", options.stackSlots],
		["--heap-limit", options.heapLimitBytes],
	];
	return [
		"--bundle",
		bundle,
		...numbers.flatMap(([name, value]) =>
			value === undefined ? [] : [name, String(value)],
		),
	];
}

export class Processor {
	readonly #process: ChildProcess;
	readonly #in: Writable;
	readonly #writer = new WireWriter(nodeUtf8);

	/** @throws NotBuiltError */
	constructor(options: ProcessorOptions) {
		const host = requireBuilt(
			hostPath(options.kind),
			"make -C firmware/boards/virtual/host makes it",
		);
		this.#process = spawn(host, hostArguments(options), {
			stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
		});
		this.#in = this.#process.stdio[3] as Writable;
		// A write to a process that has ended; its end is reported by itself.
		this.#in.on("error", () => undefined);
		const out = this.#process.stdio[4] as Readable;
		out.on("error", () => undefined);
		readFrames(out, (kind, bytes) => this.#receive(options, kind, bytes));
		let ended = false;
		const end = (code: number | null) => {
			if (ended) return;
			ended = true;
			options.onExit(code);
		};
		this.#process.on("error", () => end(null));
		// "close" comes after the last frame has been read; "exit" might come before.
		this.#process.on("close", (code) => end(code));
	}

	/** Starts a turn. `uptimeMs` is the time of all of it. */
	send(uptimeMs: number, event: TurnEvent): void {
		const message = encodeEvent(this.#writer, uptimeMs, event);
		writeFrame(this.#in, FrameKind.EVENT, message);
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
