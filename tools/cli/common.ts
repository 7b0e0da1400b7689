/** The options that every command has. */
import type { Command } from "commander";

/** What simulated nodes are called unless told otherwise: sim-1, sim-2, … */
export const DEFAULT_PREFIX = "sim";

export interface CommonOptions {
	readonly target: string;
	readonly json?: boolean;
}

/** @param where which clouds the command can be about */
export function commonOptions(
	command: Command,
	where: "local" | "any" = "any",
): Command {
	return command
		.option(
			"--target <target>",
			`which cloud: local:DIR${where === "any" ? " or aws" : ""}`,
			"local:./data",
		)
		.option("--json", "machine-readable results on stdout");
}
