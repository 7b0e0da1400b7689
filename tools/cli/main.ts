/** The `thinghz` command: its subcommands, and how each of them ends. */
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { ApiProblem } from "./api-problem.ts";
import { CommandError, exitCodeOfCode } from "./errors.ts";
import { printMessage } from "./output.ts";

/** Each is loaded by itself, since some bring half of the cloud along. In the order in which help lists them. */
const COMMANDS: Readonly<
	Record<string, () => Promise<(program: Command) => void>>
> = {
	up: async () => (await import("./up.ts")).addUp,
	sim: async () => (await import("./sim.ts")).addSim,
	signin: async () => (await import("./signin.ts")).addSignIn,
	users: async () => (await import("./users.ts")).addUsers,
	provision: async () => (await import("./provision.ts")).addProvision,
	claims: async () => (await import("./claims.ts")).addClaims,
	flash: async () => (await import("./flash.ts")).addFlash,
	monitor: async () => (await import("./monitor.ts")).addMonitor,
	devices: async () => (await import("./devices.ts")).addDevices,
	config: async () => (await import("./config.ts")).addConfig,
	shadow: async () => (await import("./shadow.ts")).addShadow,
	readings: async () => (await import("./readings.ts")).addReadings,
	tail: async () => (await import("./tail.ts")).addTail,
	logs: async () => (await import("./logs.ts")).addLogs,
	crashes: async () => (await import("./crashes.ts")).addCrashes,
	jobs: async () => (await import("./jobs.ts")).addJobs,
	alerts: async () => (await import("./alerts.ts")).addAlerts,
	deadletters: async () => (await import("./deadletters.ts")).addDeadLetters,
	ota: async () => (await import("./ota.ts")).addOta,
	cost: async () => (await import("./cost.ts")).addCost,
	grafana: async () => (await import("./grafana.ts")).addGrafana,
	doctor: async () => (await import("./doctor-command.ts")).addDoctor,
};

const REFUSED: ReadonlySet<string> = new Set([
	"EACCES",
	"EISDIR",
	"ENOTDIR",
	"EPERM",
	"EROFS",
]);

// The SDK would say with every command that some later version of it needs a later Node.js; ours is locked.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const program = new Command("thinghz")
	.description(
		"Sensor nodes that never lose a reading, and the cloud they report to.",
	)
	.version(packageJson.version, "-V, --version")
	.showHelpAfterError(
		"Run `thinghz help` or `thinghz COMMAND --help` for what there is.",
	)
	.exitOverride()
	.configureHelp({ showGlobalOptions: true });

const [asked = ""] = process.argv.slice(2);
const named = Object.hasOwn(COMMANDS, asked) ? COMMANDS[asked] : undefined;
// Help, a mistyped name and no name at all are about all of them.
for (const load of named === undefined ? Object.values(COMMANDS) : [named]) {
	const add = await load();
	add(program);
}
for (const command of program.commands) inherit(command, program);

/** A command's settings, but for where its help is. */
function inherit(command: Command, parent: Command, name = "thinghz"): void {
	const path = `${name} ${command.name()}`;
	command.copyInheritedSettings(parent);
	command.showHelpAfterError(`\`${path} --help\` says how it is used.`);
	for (const child of command.commands) inherit(child, command, path);
}

/** 0 when the command did what it was asked, 1 when it failed, 2 when it was used wrongly. */
function exitCodeOf(error: unknown): number {
	if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
	if (error instanceof CommandError) {
		const problem = error instanceof ApiProblem ? error.problem : "";
		printMessage(`thinghz: ${withName(error.message, problem)}`);
		return error.exitCode;
	}
	if (isForPeople(error)) {
		printMessage(`thinghz: ${withName(error.message, error.code)}`);
		return exitCodeOfCode(error.code);
	}
	if (isOfFile(error)) {
		printMessage(
			`thinghz: ${error.path} cannot be used (${error.message.split(", ")[0]}). Check that it is what was meant, and who may read and write it.`,
		);
		return 1;
	}
	printMessage(
		`thinghz: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
	);
	return 1;
}

/** Names that say no more than the sentence does. */
const NAMELESS: readonly string[] = [
	"",
	"invalid_request",
	"internal",
	"unavailable",
];

/** The sentence, and the name that programs, documentation and devices have for it. */
function withName(sentence: string, name: string): string {
	return NAMELESS.includes(name) ? sentence : `${sentence} (${name})`;
}

/** An error of our own, with a code and a sentence for people. */
function isForPeople(
	error: unknown,
): error is Error & { readonly code: string } {
	return (
		error instanceof Error &&
		"code" in error &&
		typeof error.code === "string" &&
		!("syscall" in error)
	);
}

/** What the file system refuses: a file where a folder is meant, somebody else's file, a disk that can only be read. */
function isOfFile(error: unknown): error is Error & { readonly path: string } {
	if (!(error instanceof Error)) return false;
	const { code = "", path } = error as NodeJS.ErrnoException;
	return REFUSED.has(code) && typeof path === "string";
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
	if (error.code === "EPIPE") process.exit(0);
	throw error;
});

try {
	await program.parseAsync();
} catch (error) {
	process.exitCode = exitCodeOf(error);
}
