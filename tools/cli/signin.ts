/** `thinghz signin`: a new sign-in link for the page of a cloud that runs, or a token for its API. */
import type { Command } from "commander";
import type { Person } from "../../cloud/core/people-directory.ts";
import { issueSignIn, LocalAuth, loadSecret } from "../../cloud/local/auth.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { parseWhole } from "./duration.ts";
import { CommandError, UsageError } from "./errors.ts";
import { printJson } from "./output.ts";
import { withLocalPeople } from "./people.ts";
import { findRunning } from "./runtime-file.ts";
import { parseAnyTarget } from "./target.ts";

const DAY_MS = 86_400_000;
/** A year and a bit: for programs such as Grafana, which somebody has to give a new one then. */
const MAX_DAYS = 400;
const DEFAULT_DAYS = "7";

interface SignInOptions extends CommonOptions {
	readonly token?: boolean;
	readonly user?: string;
	readonly days?: string;
	readonly signOut?: boolean;
}

export function addSignIn(program: Command): void {
	commonOptions(
		program
			.command("signin")
			.description("print a new link that signs in to the page")
			.option("--user <name>", "as somebody whom `thinghz users add` has made")
			.option("--token", "a bearer token for the API instead")
			.option(
				"--days <count>",
				`with --token: how long it is good for, up to ${MAX_DAYS} (default: "${DEFAULT_DAYS}"); on AWS the pool decides`,
			)
			.option("--sign-out", "with --target aws: forget the session"),
	).action(async (options: SignInOptions) => {
		const target = parseAnyTarget(options.target);
		if (target === "aws") {
			if (options.user !== undefined) {
				throw new UsageError(
					"--user: on AWS each person signs in with a password of their own: leave it out.",
				);
			}
			const { signInOnAws, signOutOnAws } = await import("./signin-aws.ts");
			return options.signOut ? signOutOnAws(options) : signInOnAws(options);
		}
		if (options.signOut) {
			throw new UsageError(
				"--sign-out is for --target aws: here the page's own button signs out.",
			);
		}
		const { dir } = target;
		const { days: wanted = DEFAULT_DAYS } = options;
		const days = parseWhole(wanted, "--days", 1, MAX_DAYS);
		if (options.days !== undefined && !options.token) {
			throw new UsageError(
				"--days is of a token: add --token. A link is good for 15 minutes.",
			);
		}
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
				: await withLocalPeople(target, (people) => people.named(user));
		if (options.token) {
			const token = await issueToken(dir, person, days * DAY_MS);
			if (options.json) printJson({ token });
			else process.stdout.write(`${token}\n`);
			return;
		}
		const signIn = `${running.http}/#signin=${issueSignIn(loadSecret(dir), Date.now(), person)}`;
		if (options.json) printJson({ signIn });
		else process.stdout.write(`${signIn}\n`);
	});
}

function issueToken(
	dir: string,
	person: Person | undefined,
	ttlMs: number,
): Promise<string> {
	const auth = new LocalAuth({
		secret: loadSecret(dir),
		clock: { nowMs: () => Date.now() },
	});
	return person === undefined
		? auth.issueToken("command", ttlMs)
		: auth.issuePersonToken(person, ttlMs);
}
