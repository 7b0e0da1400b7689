/** The firmware that mcconfig built for Linux, run in a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
	copyFileSync,
	mkdirSync,
	mkdtempSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface LinIdentity {
	readonly thing: string;
	readonly endpoint: string;
	readonly port: number;
	readonly certificateId: string;
	/** Where the endpoint is, without a name lookup. */
	readonly address?: string;
}

/** PEM */
export interface LinCredentials {
	readonly certificate: string;
	readonly key: string;
	readonly authorities: string;
}

export class LinNode {
	readonly lines: string[] = [];
	readonly folder = mkdtempSync(join(tmpdir(), "thinghz-lin-"));
	readonly #child: ChildProcess;
	readonly #waiting = new Set<() => void>();
	#hasEnded = false;

	constructor(
		program: { readonly host: string; readonly library: string },
		identity: LinIdentity,
		credentials: LinCredentials,
		config: object = {},
	) {
		const folder = join(this.folder, "identity");
		mkdirSync(folder);
		const files = {
			"config.json": JSON.stringify(identity),
			"certificate.pem": credentials.certificate,
			"private.pem": credentials.key,
			"ca.pem": credentials.authorities,
		};
		for (const [name, text] of Object.entries(files))
			writeFileSync(join(folder, name), text, { mode: 0o600 });
		writeFileSync(
			join(this.folder, "settings.json"),
			JSON.stringify({ config: JSON.stringify(config) }),
		);
		// The library is loaded from where it lies: a copy may be replaced meanwhile, a mapping may not.
		const library = join(this.folder, "mc.so");
		copyFileSync(program.library, library);
		this.#child = spawn(program.host, [library], {
			cwd: this.folder,
			stdio: ["ignore", "pipe", "inherit"],
		});
		let rest = "";
		this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
			const parts = (rest + text).split("\n");
			rest = parts.pop() ?? "";
			this.lines.push(...parts);
			this.#wake();
		});
		this.#child.once("close", () => {
			this.#hasEnded = true;
			this.#wake();
		});
	}

	get hasEnded(): boolean {
		return this.#hasEnded;
	}

	/**
	 * The first line at or after `from` that fits, and where it is.
	 * @throws Error with what it said last when it ends without one
	 */
	async line(
		fits: (line: string) => boolean,
		from = 0,
	): Promise<{ readonly line: string; readonly at: number }> {
		for (let at = from; ; ) {
			for (; at < this.lines.length; at++) {
				const line = this.lines[at] ?? "";
				if (fits(line)) return { line, at };
			}
			if (this.#hasEnded)
				throw new Error(
					`The node ended (${this.#child.exitCode ?? this.#child.signalCode}):\n${this.lines.slice(-30).join("\n")}`,
				);
			await new Promise<void>((resolve) => this.#waiting.add(resolve));
		}
	}

	/** The first report of this event at or after `from`. */
	async event(
		name: string,
		from = 0,
	): Promise<{
		readonly report: Record<string, unknown>;
		readonly at: number;
	}> {
		const { line, at } = await this.line(
			(text) => text.startsWith(`{"event":"${name}"`),
			from,
		);
		return { report: JSON.parse(line), at };
	}

	async end(): Promise<void> {
		if (!this.#hasEnded) {
			this.#child.kill("SIGKILL");
			await once(this.#child, "close");
		}
		rmSync(this.folder, { recursive: true, force: true });
	}

	#wake(): void {
		for (const resolve of this.#waiting) resolve();
		this.#waiting.clear();
	}
}
