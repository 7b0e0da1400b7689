/** The `thinghz` command: its subcommands, and how each of them ends. */
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { CommandError } from "./errors.ts";
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
	jobs: async () => (await import("./jobs.ts")).addJobs,
	alerts: async () => (await import("./alerts.ts")).addAlerts,
	deadletters: async () => (await import("./deadletters.ts")).addDeadLetters,
	ota: async () => (await import("./ota.ts")).addOta,
	cost: async () => (await import("./cost.ts")).addCost,
	grafana: async () => (await import("./grafana.ts")).addGrafana,
	doctor: async () => (await import("./doctor-command.ts")).addDoctor,
};

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
for (const command of program.commands) command.copyInheritedSettings(program);

/** 0 when the command did what it was asked, 1 when it failed, 2 when it was used wrongly. */
function exitCodeOf(error: unknown): number {
	if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
	if (error instanceof CommandError) {
		printMessage(`thinghz: ${error.message}`);
		return error.exitCode;
	}
	if (isForPeople(error)) {
		printMessage(`thinghz: ${error.message}`);
		return 1;
	}
	printMessage(
		`thinghz: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
	);
	return 1;
}

/** An error of our own, with a code and a sentence for people. */
function isForPeople(error: unknown): error is Error {
	return (
		error instanceof Error &&
		"code" in error &&
		typeof error.code === "string" &&
		!("syscall" in error)
	);
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
