/** `thinghz monitor`: follows the log of a board on a serial port, until Ctrl-C. */
import type { Command } from "commander";
import { monitor } from "../esp32/monitor.ts";
import { choosePort, listPorts, openPort } from "../esp32/port.ts";
import { parseWhole } from "./duration.ts";
import { printJson, printMessage, showControls } from "./output.ts";

interface MonitorCommandOptions {
	readonly port?: string;
	readonly baud: string;
	readonly reset: boolean;
	readonly json?: boolean;
}

export function addMonitor(program: Command): void {
	program
		.command("monitor")
		.description("follow the log of a board on a serial port, until Ctrl-C")
		.option("--port <path>", "the serial port (default: the only one there is)")
		.option("--baud <rate>", "speed of its log", "115200")
		.option("--no-reset", "leaves the board running; otherwise it restarts")
		.option("--json", "a document a line: {at, line}")
		.action(run);
}

async function run(options: MonitorCommandOptions): Promise<void> {
	const baudRate = parseWhole(options.baud, "--baud", 300, 4_000_000);
	const path = choosePort(
		options.port,
		options.port === undefined ? await listPorts() : [],
	);
	const port = await openPort(path, baudRate);
	const end = new AbortController();
	const stop = () => end.abort();
	process.once("SIGINT", stop);
	process.once("SIGTERM", stop);
	try {
		if (!options.json) printMessage(`${path} at ${baudRate}; Ctrl-C ends it.`);
		await monitor(port, {
			reset: options.reset,
			signal: end.signal,
			onLine: (line) => {
				if (options.json) printJson({ at: new Date().toISOString(), line });
				else process.stdout.write(`${showControls(line)}\n`);
			},
		});
	} finally {
		process.off("SIGINT", stop);
		process.off("SIGTERM", stop);
		if (!port.stream.destroyed) await port.close();
	}
}
