/** `thinghz signin`: a new sign-in link for the page of a cloud that runs, or a token for its API. */
import type { Command } from "commander";
import {
	issueSignIn,
	LocalAuth,
	loadSecret,
	SESSION_TTL_MS,
} from "../../cloud/local/auth.ts";
import type { Person } from "../../cloud/local/people.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { CommandError } from "./errors.ts";
import { printJson } from "./output.ts";
import { findRunning } from "./runtime-file.ts";
import { parseTarget } from "./target.ts";
import { withPeople } from "./users.ts";

interface SignInOptions extends CommonOptions {
	readonly token?: boolean;
	readonly user?: string;
}

export function addSignIn(program: Command): void {
	commonOptions(
		program
			.command("signin")
			.description("print a new link that signs in to the page")
			.option("--user <name>", "as somebody whom `thinghz users add` has made")
			.option("--token", "a bearer token for the API instead, for 7 days"),
	).action(async (options: SignInOptions) => {
		const { dir } = parseTarget(options.target);
		const running = findRunning(dir);
		if (running === null) {
			throw new CommandError(
				`No cloud runs on ${dir}. Start it with \`thinghz up --data ${dir}\`: it prints a link.`,
			);
		}
		const { user } = options;
		const person =
			user === undefined
				? undefined
				: await withPeople(options, (people) => people.named(user));
		if (options.token) {
			const token = await issueToken(dir, person);
			if (options.json) printJson({ token });
			else process.stdout.write(`${token}\n`);
			return;
		}
		const signIn = `${running.http}/#signin=${issueSignIn(loadSecret(dir), Date.now(), person)}`;
		if (options.json) printJson({ signIn });
		else process.stdout.write(`${signIn}\n`);
	});
}

function issueToken(dir: string, person: Person | undefined): Promise<string> {
	const auth = new LocalAuth({
		secret: loadSecret(dir),
		clock: { nowMs: () => Date.now() },
	});
	return person === undefined
		? auth.issueToken("command", SESSION_TTL_MS)
		: auth.issuePersonToken(person, SESSION_TTL_MS);
}
