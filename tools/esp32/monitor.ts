/** Follows a board's log. */

import { BoardError } from "./errors.ts";
import { restart } from "./flasher.ts";
import type { Port } from "./port.ts";

/** A line that does not end: noise, or another baud rate. */
const MAX_LINE = 1000;

/** Bytes as they come, as lines: UTF-8, either line end, never longer than 1,000 characters. */
export class LineDecoder {
	readonly #decoder = new TextDecoder();
	#line = "";

	/** @returns the lines that are whole now */
	push(bytes: Uint8Array): readonly string[] {
		this.#line += this.#decoder.decode(bytes, { stream: true });
		const lines = this.#line.split(/\r?\n/);
		this.#line = lines.pop() ?? "";
		if (this.#line.length > MAX_LINE) {
			lines.push(this.#line);
			this.#line = "";
		}
		return lines;
	}

	/** What is left of a line when no more comes. */
	end(): readonly string[] {
		const line = this.#line + this.#decoder.decode();
		this.#line = "";
		return line === "" ? [] : [line];
	}
}

export interface MonitorOptions {
	/** Restarts the board first, so that its log is there from the start. */
	readonly reset: boolean;
	onLine(line: string): void;
	/** Ends it. */
	readonly signal: AbortSignal;
}

/** Ends when it is told to. @throws BoardError port_lost when the board goes away */
export async function monitor(
	port: Port,
	{ reset, onLine, signal }: MonitorOptions,
): Promise<void> {
	const decoder = new LineDecoder();
	const { stream } = port;
	const take = (bytes: Uint8Array) => {
		for (const line of decoder.push(bytes)) onLine(line);
	};
	stream.on("data", take);
	try {
		await new Promise<void>((resolve, reject) => {
			const lose = (cause?: Error) =>
				reject(new BoardError("port_lost", "The port went away.", cause));
			stream.once("close", () => lose());
			stream.once("error", lose);
			if (signal.aborted) resolve();
			signal.addEventListener("abort", () => resolve(), { once: true });
			if (reset) restart(port).catch(lose);
		});
	} finally {
		stream.off("data", take);
		for (const line of decoder.end()) onLine(line);
	}
}
