/** The options that every command has. */
import type { Command } from "commander";

export interface CommonOptions {
	readonly target: string;
	readonly json?: boolean;
}

export function commonOptions(command: Command): Command {
	return command
		.option(
			"--target <target>",
			"which cloud: local:DIR or aws",
			"local:./data",
		)
		.option("--json", "machine-readable results on stdout");
}
