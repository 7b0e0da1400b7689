/** A cloud on a folder of its own, run through the command. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Following } from "./command.ts";

export interface Ready {
	readonly http: string;
	readonly mqtt: string;
	readonly ca: string;
	readonly signIn: string;
}

export class CloudUnderTest {
	readonly dir: string;
	readonly process: Following;
	readonly ready: Ready;

	private constructor(dir: string, process: Following, ready: Ready) {
		this.dir = dir;
		this.process = process;
		this.ready = ready;
	}

	/** Starts `thinghz up` on free ports and waits until it serves. */
	static async start(
		dir: string,
		...options: string[]
	): Promise<CloudUnderTest> {
		const args = ["up", "--data", dir, "--json", ...options];
		for (const port of ["--mqtt-port", "--http-port"]) {
			if (!options.includes(port)) args.push(port, "0");
		}
		const process = new Following(...args);
		const ready = await process.line(({ event }) => event === "ready");
		return new CloudUnderTest(dir, process, ready as unknown as Ready);
	}

	get target(): string {
		return `local:${this.dir}`;
	}

	async stop(): Promise<number | NodeJS.Signals | null> {
		return this.process.end("SIGTERM");
	}
}

/** A folder for one test; the test removes it by what is returned. */
export function temporaryFolder(): { dir: string; remove: () => void } {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-system-"));
	return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/**
 * Asks again until the answer fits. For conditions that another process brings about, with nothing to wait on.
 * @throws Error with the last answer after `withinMs`
 */
export async function until<T>(
	ask: () => Promise<T>,
	fits: (answer: T) => boolean,
	withinMs = 15_000,
): Promise<T> {
	const deadline = Date.now() + withinMs;
	for (;;) {
		const answer = await ask();
		if (fits(answer)) return answer;
		if (Date.now() > deadline) {
			throw new Error(
				`Waited ${withinMs} ms; the last answer was ${JSON.stringify(answer)?.slice(0, 2000)}`,
			);
		}
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}
