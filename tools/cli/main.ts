/** The `thinghz` command: its subcommands, and how each of them ends. */
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { addAlerts } from "./alerts.ts";
import { addCost } from "./cost.ts";
import { addDeadLetters } from "./deadletters.ts";
import { addDevices } from "./devices.ts";
import { addDoctor } from "./doctor-command.ts";
import { CommandError } from "./errors.ts";
import { addGrafana } from "./grafana.ts";
import { printMessage } from "./output.ts";
import { addProvision } from "./provision.ts";
import { addReadings } from "./readings.ts";
import { addSignIn } from "./signin.ts";
import { addSim } from "./sim.ts";
import { addTail } from "./tail.ts";
import { addUp } from "./up.ts";
import { addUsers } from "./users.ts";

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

for (const add of [
	addUp,
	addSim,
	addSignIn,
	addUsers,
	addProvision,
	addDevices,
	addReadings,
	addTail,
	addAlerts,
	addDeadLetters,
	addCost,
	addGrafana,
	addDoctor,
]) {
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
