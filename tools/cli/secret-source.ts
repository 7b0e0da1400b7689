/**
 * Where a command gets a secret from: a file, the environment, or whoever sits at the terminal. Never from its own words, which all
 * users of the machine can read.
 */

import { UsageError } from "./errors.ts";
import { readSecret } from "./secret-file.ts";

export interface SecretSource {
	/** What it is, for the prompt: "Passphrase of the key". */
	readonly what: string;
	/** The option that names a file, and what it was given. */
	readonly option: string;
	readonly file?: string | undefined;
	/** Name of the variable. */
	readonly variable: string;
	readonly environment?: NodeJS.ProcessEnv;
	readonly terminal?: Terminal;
}

/** As much of a terminal as a prompt takes. */
export interface Terminal {
	readonly input: NodeJS.ReadableStream & {
		readonly isTTY?: boolean;
		setRawMode?(on: boolean): unknown;
	};
	readonly output: NodeJS.WritableStream;
}

/**
 * A file goes before the environment, that before the terminal.
 * @throws UsageError that says how to give the secret where there is none
 */
export async function readSecretOf(source: SecretSource): Promise<string> {
	const {
		what,
		option,
		file,
		variable,
		environment = process.env,
		terminal = { input: process.stdin, output: process.stderr },
	} = source;
	if (file !== undefined) return readSecret(file);
	const given = environment[variable];
	if (given !== undefined && given !== "") return given;
	if (terminal.input.isTTY !== true)
		throw new UsageError(
			`${what}: name a file that holds it by ${option}, or set ${variable}; there is no terminal to ask at.`,
		);
	const typed = await promptHidden(terminal, `${what}: `);
	if (typed === "") throw new UsageError(`${what}: nothing was typed.`);
	return typed;
}

const ENTER = new Set(["\r", "\n", "\u0004"]);
const INTERRUPT = "\u0003";
const ERASE = new Set(["\u007f", "\b"]);

/** One line that is not shown. @throws UsageError on Ctrl-C */
function promptHidden(terminal: Terminal, prompt: string): Promise<string> {
	const { input, output } = terminal;
	output.write(prompt);
	return new Promise((resolve, reject) => {
		let typed = "";
		const finish = (end: () => void) => {
			input.off("data", take);
			input.setRawMode?.(false);
			input.pause();
			output.write("\n");
			end();
		};
		function take(chunk: Buffer | string): void {
			for (const character of chunk.toString()) {
				if (ENTER.has(character)) {
					finish(() => resolve(typed));
					return;
				}
				if (character === INTERRUPT) {
					finish(() => reject(new UsageError("Interrupted.")));
					return;
				}
				typed = ERASE.has(character)
					? [...typed].slice(0, -1).join("")
					: typed + character;
			}
		}
		input.setRawMode?.(true);
		input.on("data", take);
		input.resume();
	});
}
