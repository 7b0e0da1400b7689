/** The options that every command has. */
import type { Command } from "commander";
import { UsageError } from "./errors.ts";

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

/**
 * Adds the subcommand that is meant where none is named. What is named and is no subcommand would be taken for its arguments,
 * and refused as too many of them.
 */
export function addDefaultList<Options extends CommonOptions>(
	parent: Command,
	description: string,
	list: (options: Options) => Promise<void>,
): Command {
	const command = parent.command("list", { isDefault: true });
	// Now, since what commands inherit from the program would undo it.
	parent.hook("preSubcommand", (_parent, asked) => {
		if (asked === command) command.allowExcessArguments();
	});
	return command.description(description).action(() => {
		const [unknown] = command.args;
		if (unknown === undefined) return list(command.optsWithGlobals<Options>());
		const names = parent.commands.map((one) => one.name()).join(", ");
		throw new UsageError(
			`\`${parent.name()}\` has no command "${unknown}". It has: ${names}.`,
		);
	});
}
