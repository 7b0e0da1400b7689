/** `thinghz doctor`: what is amiss here, and how to mend it. */
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { type CommonOptions, commonOptions } from "./common.ts";
import { examine } from "./doctor.ts";
import { parseWhole } from "./duration.ts";
import { CommandError } from "./errors.ts";
import { parseHost } from "./host.ts";
import { formatTable, printJson } from "./output.ts";
import { parseTarget } from "./target.ts";

interface DoctorOptions extends CommonOptions {
	readonly host: string;
	readonly mqttPort: string;
	readonly httpPort: string;
}

export function addDoctor(program: Command): void {
	commonOptions(
		program
			.command("doctor")
			.description("check tools, ports, clock, certificates and disk")
			.option("--host <address>", "the address `up` binds to", "127.0.0.1")
			.option("--mqtt-port <port>", "the port `up` uses for MQTT", "8883")
			.option("--http-port <port>", "the port `up` uses for HTTP", "8080"),
		"local",
	).action(async (options: DoctorOptions) => {
		const findings = await examine({
			root: fileURLToPath(new URL("..", import.meta.url)),
			dir: parseTarget(options.target).dir,
			host: parseHost(options.host, "--host").bind,
			mqttPort: parseWhole(options.mqttPort, "--mqtt-port", 1, 65_535),
			httpPort: parseWhole(options.httpPort, "--http-port", 1, 65_535),
			nowMs: Date.now(),
		});
		if (options.json) printJson(findings);
		else {
			process.stdout.write(
				formatTable(
					["", "check", "seen"],
					findings.map(({ verdict, check, seen }) => [verdict, check, seen]),
				),
			);
			for (const { check, mend } of findings) {
				if (mend !== null) process.stdout.write(`\n${check}: ${mend}\n`);
			}
		}
		const failed = findings.filter(({ verdict }) => verdict === "fail").length;
		if (failed > 0) {
			throw new CommandError(
				`${failed} ${failed === 1 ? "check" : "checks"} failed.`,
			);
		}
	});
}
