/** The C host's global, as host/host.c makes it, and what the files beside this one share of it. */
import type { Post, Request } from "../wire.ts";
import { type Utf8, WireWriter } from "../wire-bytes.ts";
import { encodePost, encodeRequest } from "../wire-codec.ts";

interface Host {
	call(message: Uint8Array): ArrayBuffer;
	post(message: Uint8Array): void;
	collect(): void;
	heap(): {
		readonly chunkUsed: number;
		readonly slotUsed: number;
		readonly chunkPeak: number;
		readonly slotPeak: number;
		readonly loaded: number;
		readonly limit: number;
	};
	exit(code: number): never;
	/** What is executed from now on is spent on this mark, 0 … 15. @returns the mark before */
	mark(mark: number): number;
	/** Executes what is no instruction, or reaches for memory where there is none. For tests. */
	fault(what: "instruction" | "load" | "store"): never;
	utf8Encode(text: string): ArrayBuffer;
	utf8Decode(bytes: Uint8Array): string;
	/** Called with each event. */
	onMessage: (message: ArrayBuffer) => void;
	/** Called when a turn and the promise jobs it left have run. */
	onIdle: () => void;
}

export const host = (globalThis as unknown as { host: Host }).host;

export const utf8: Utf8 = {
	encode: (text) => new Uint8Array(host.utf8Encode(text)),
	decode: (bytes) => host.utf8Decode(bytes),
};

const writer = new WireWriter(utf8);

/** @throws Error with the peripheral's reason */
export function call(request: Request): Uint8Array {
	const reply = host.call(encodeRequest(writer, request));
	// A long request is not kept.
	writer.begin();
	return new Uint8Array(reply);
}

export function post(message: Post): void {
	host.post(encodePost(writer, message));
}
