/** What somebody sees who types commands one after the other, as a page can show it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../../bin/thinghz.mjs", import.meta.url));

export class Transcript {
	readonly #dir: string;
	readonly #instead: Readonly<Record<string, string>>;
	readonly #parts: string[] = [];

	/**
	 * @param dir where the commands are typed
	 * @param instead what is shown in place of what only a test prints
	 */
	constructor(dir: string, instead: Readonly<Record<string, string>> = {}) {
		this.#dir = dir;
		this.#instead = { [`${dir}/`]: "", ...instead };
	}

	/** A paragraph between the commands. */
	say(text: string): void {
		this.#parts.push(text);
	}

	/**
	 * Types a command: words with spaces between them, or in single quotes.
	 * @returns what it printed
	 * @throws Error when it exits with another code
	 */
	async type(command: string, code = 0): Promise<string> {
		const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
			([, quoted, bare]) => quoted ?? bare ?? "",
		);
		const child = spawn(process.execPath, [BIN, ...words], {
			cwd: this.#dir,
			env: { ...process.env, COLUMNS: "100" },
			stdio: ["ignore", "pipe", "pipe"],
		});
		let printed = "";
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding("utf8").on("data", (text: string) => {
				printed += text;
			});
		const [ended] = (await once(child, "close")) as [number | null];
		const shown = Object.entries(this.#instead)
			.reduce((text, [from, to]) => text.replaceAll(from, to), printed)
			.trimEnd();
		if (ended !== code)
			throw new Error(`thinghz ${command} exited with ${ended}: ${shown}`);
		const lines = [`$ npx thinghz ${command}`, ...shown.split("\n")];
		this.#parts.push(
			lines.map((line) => (line === "" ? "" : `    ${line}`)).join("\n"),
		);
		return shown;
	}

	/** Markdown; paragraphs and indented code blocks. */
	get text(): string {
		return this.#parts.join("\n\n");
	}
}

/** Without what is another each time: ids, keys, times, addresses, how wide a table's columns are. */
export function withoutChances(text: string): string {
	return text
		.replace(/\b[0-9a-f]{64,}\b/g, "KEY")
		.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
		.replace(/\b\d+(\.\d+)? (s|ms|min|KiB|kB|B|bytes)\b/g, "N $2")
		.replace(/[─-]{3,}/g, "---")
		.replace(/[ \t]+/g, " ")
		.replace(/ $/gm, "");
}
