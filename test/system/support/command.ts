/** The `thinghz` command as a child process: run to its end, or followed line by line. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const BIN = fileURLToPath(new URL("../../../bin/thinghz.mjs", import.meta.url));

export interface Outcome {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs a command to its end. */
export async function thinghz(...args: string[]): Promise<Outcome> {
	const child = spawn(process.execPath, [BIN, ...args], {
		stdio: ["ignore", "pipe", "pipe"],
	});
	let stdout = "";
	let stderr = "";
	child.stdout.setEncoding("utf8").on("data", (text) => {
		stdout += text;
	});
	child.stderr.setEncoding("utf8").on("data", (text) => {
		stderr += text;
	});
	const [code] = (await once(child, "close")) as [number | null];
	return { code, stdout, stderr };
}

/** Runs a command with `--json` and gives the one document it prints. */
export async function thinghzJson<T>(...args: string[]): Promise<T> {
	const { code, stdout, stderr } = await thinghz(...args, "--json");
	if (code !== 0) {
		throw new Error(`thinghz ${args.join(" ")} exited ${code}: ${stderr}`);
	}
	return JSON.parse(stdout) as T;
}

export type JsonLine = Record<string, unknown> & { readonly event?: string };

/** A command that goes on until it is ended, and prints JSON lines. */
export class Following {
	readonly lines: JsonLine[] = [];
	readonly #child: ChildProcess;
	readonly #waiting = new Set<() => void>();
	#stderr = "";
	#ended = false;

	constructor(...args: string[]) {
		this.#child = spawn(process.execPath, [BIN, ...args], {
			stdio: ["ignore", "pipe", "pipe"],
		});
		let rest = "";
		this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
			const parts = (rest + text).split("\n");
			rest = parts.pop() ?? "";
			for (const part of parts) this.lines.push(JSON.parse(part) as JsonLine);
			this.#wake();
		});
		this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
			this.#stderr += text;
		});
		this.#child.once("close", () => {
			this.#ended = true;
			this.#wake();
		});
	}

	get pid(): number {
		return this.#child.pid ?? -1;
	}

	get stderr(): string {
		return this.#stderr;
	}

	/**
	 * The first line, past those already there too, that fits.
	 * @throws Error with what the command said when it ends without such a line
	 */
	async line(fits: (line: JsonLine) => boolean): Promise<JsonLine> {
		let seen = 0;
		for (;;) {
			for (; seen < this.lines.length; seen++) {
				const line = this.lines[seen];
				if (line !== undefined && fits(line)) return line;
			}
			if (this.#ended) {
				throw new Error(
					`The command ended (${this.#child.exitCode ?? this.#child.signalCode}) without the line waited for.\n${this.#stderr}\n${this.lines
						.slice(-5)
						.map((line) => JSON.stringify(line))
						.join("\n")}`,
				);
			}
			await new Promise<void>((resolve) => this.#waiting.add(resolve));
		}
	}

	/** Sends a signal and waits for the end. @returns the exit code, or the signal that ended it */
	async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
		if (!this.#ended) {
			this.#child.kill(signal);
			await this.ended();
		}
		return this.#child.exitCode ?? this.#child.signalCode;
	}

	async ended(): Promise<number | NodeJS.Signals | null> {
		if (!this.#ended) await once(this.#child, "close");
		return this.#child.exitCode ?? this.#child.signalCode;
	}

	#wake(): void {
		for (const resolve of this.#waiting) resolve();
		this.#waiting.clear();
	}
}
