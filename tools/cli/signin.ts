/** `thinghz signin`: a new sign-in link for the page of a cloud that runs. */
import type { Command } from "commander";
import { issueSignIn, loadSecret } from "../../cloud/local/auth.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { CommandError } from "./errors.ts";
import { printJson } from "./output.ts";
import { findRunning } from "./runtime-file.ts";
import { parseTarget } from "./target.ts";

export function addSignIn(program: Command): void {
	commonOptions(
		program
			.command("signin")
			.description("print a new link that signs in to the page"),
	).action((options: CommonOptions) => {
		const { dir } = parseTarget(options.target);
		const running = findRunning(dir);
		if (running === null) {
			throw new CommandError(
				`No cloud runs on ${dir}. Start it with \`thinghz up --data ${dir}\`: it prints a link.`,
			);
		}
		const signIn = `${running.http}/#signin=${issueSignIn(loadSecret(dir), Date.now())}`;
		if (options.json) printJson({ signIn });
		else process.stdout.write(`${signIn}\n`);
	});
}
