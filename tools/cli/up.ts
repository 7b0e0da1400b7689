/** `thinghz up`: runs the cloud on this machine, and simulated nodes beside it when asked to. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import {
	type InfluxTarget,
	InfluxTargetError,
	parseInfluxUrl,
} from "../../cloud/influxdb/influx-target.ts";
import { DEFAULT_PREFIX } from "./common.ts";
import { parseWhole } from "./duration.ts";
import { CommandError, UsageError } from "./errors.ts";
import { parseHost } from "./host.ts";
import { printJson, printMessage, reportError } from "./output.ts";
import { findRunning, removeRunning, writeRunning } from "./runtime-file.ts";
import { readSecret } from "./secret-file.ts";
import type { ServeOptions, Serving } from "./serve.ts";
import { parseTarget } from "./target.ts";
import { takeUpLock } from "./up-lock.ts";

interface UpOptions {
	readonly data?: string;
	readonly target?: string;
	readonly host: string;
	readonly name?: readonly string[];
	readonly mqttPort: string;
	readonly httpPort: string;
	readonly nodes: string;
	readonly speed: string;
	readonly influx?: string;
	readonly influxSecret?: string;
	readonly json?: boolean;
}

const DEFAULT_DIR = "./data";
/** So that somebody who tries the commands finds stored readings at once, and not after the usual five minutes. */
const DEMO_SPAN = "10s";

export function addUp(program: Command): void {
	program
		.command("up")
		.description("run the cloud on this machine until it is told to end")
		.option(
			"--data <dir>",
			`the data folder; made where it is missing (default: "${DEFAULT_DIR}")`,
		)
		.option(
			"--target <target>",
			"the same, as other commands take it: local:DIR",
		)
		.option("--host <address>", "the address to bind to", "127.0.0.1")
		.option(
			"--name <name>",
			"a name or an address by which devices reach this machine from elsewhere; again for more",
			(name: string, before: readonly string[] = []) => [...before, name],
		)
		.option("--mqtt-port <port>", "MQTT over TLS; 0 takes a free one", "8883")
		.option("--http-port <port>", "API and page; 0 takes a free one", "8080")
		.option("--nodes <count>", "simulated nodes to run beside it", "0")
		.option("--speed <factor>", "how fast the nodes' time runs", "1")
		.option(
			"--influx <url>",
			"writes rows to this InfluxDB as well: http://HOST:8086/DATABASE, or http://HOST:8086/?org=ORG&bucket=BUCKET for InfluxDB 2",
		)
		.option(
			"--influx-secret <file>",
			"holds what signs in there: USER:PASSWORD, or an API token",
		)
		.option("--json", "machine-readable results on stdout")
		.action(up);
}

async function up(options: UpOptions): Promise<void> {
	// Before anything is opened, so that whatever is gets closed.
	const signal = new TerminationSignal();
	const dir = folderOf(options);
	const reach = parseHost(options.host, "--host", options.name);
	const mqttPort = parseWhole(options.mqttPort, "--mqtt-port", 0, 65_535);
	const httpPort = parseWhole(options.httpPort, "--http-port", 0, 65_535);
	const nodes = parseWhole(options.nodes, "--nodes", 0, 1000);
	const speed = parseWhole(options.speed, "--speed", 1, 3600);
	const influx = parseInflux(options);
	const other = findRunning(dir);
	if (other !== null) {
		throw new CommandError(
			`A cloud (process ${other.pid}) already runs on ${dir}, at ${other.http}. End it first, or name another folder by --data DIR.`,
		);
	}
	// Held until all is closed: two clouds must never write to one folder, nor one start while another drains.
	const lock = await takeUpLock(dir);
	try {
		// What a killed cloud left must not be believed while this one has the lock and does not serve yet.
		removeRunning(dir);
		await run({ dir, reach, mqttPort, httpPort, influx }, signal, {
			...options,
			nodes,
			speed,
		});
	} finally {
		lock.release();
	}
}

/** @throws UsageError when the folder is named twice, or not as a folder of this machine */
function folderOf({ data, target }: UpOptions): string {
	if (target === undefined) return resolve(data ?? DEFAULT_DIR);
	if (data === undefined) return parseTarget(target).dir;
	throw new UsageError("--data and --target name the same thing: keep one.");
}

/** @throws UsageError */
function parseInflux({ influx, influxSecret }: UpOptions): InfluxTarget | null {
	if (influx === undefined) {
		if (influxSecret === undefined) return null;
		throw new UsageError("--influx-secret is of no use without --influx.");
	}
	try {
		const secret = influxSecret === undefined ? null : readSecret(influxSecret);
		return parseInfluxUrl(influx, secret);
	} catch (error) {
		if (!(error instanceof InfluxTargetError)) throw error;
		throw new UsageError(`--influx: ${error.message}`, { cause: error });
	}
}

async function run(
	where: ServeOptions,
	signal: TerminationSignal,
	options: {
		readonly nodes: number;
		readonly speed: number;
		readonly json?: boolean;
	},
): Promise<void> {
	const { dir } = where;
	const { nodes, speed, json } = options;
	// Half of the cloud: whoever is only told how `up` is used need not wait for it.
	const { Closing, serve } = await import("./serve.ts");
	const serving = await serve(where);
	const closing = new Closing();
	closing.add(() => serving.close());
	closing.add(async () => removeRunning(dir));
	let lost: Error | null = null;
	try {
		if (!signal.came) {
			writeRunning(dir, serving.running);
			// Whoever reads "ready" may ask for the nodes at once.
			if (nodes > 0) {
				const { provisionFleet } = await import("./provision-fleet.ts");
				await provisionFleet(dir, nodes, DEFAULT_PREFIX, printMessage);
			}
			announce(dir, serving, json);
			if (nodes > 0) {
				const fleet = startFleet(dir, nodes, speed, json);
				closing.add(() => endFleet(fleet));
			}
			lost = await Promise.race([signal.wait(), serving.lost]);
		}
		if (!json && lost === null) {
			printMessage("Ending: what has arrived is being stored …");
		}
	} catch (error) {
		await closing.closeAll().catch(reportError);
		throw error;
	}
	if (lost === null) return closing.closeAll();
	// Why it ends matters more than what then does not close.
	await closing.closeAll().catch(reportError);
	throw new CommandError(
		`${lost.message} Nothing can be stored any more, so the cloud has ended; nodes keep what was not acknowledged. Start it again.`,
		{ cause: lost },
	);
}

function announce(
	dir: string,
	{ running, signInToken }: Serving,
	json: boolean | undefined,
): void {
	const { http, mqtt, endpoint } = running;
	const signIn = `${http}/#signin=${signInToken}`;
	if (json) {
		const ca = join(dir, "ca", "ca.pem");
		printJson({ event: "ready", http, mqtt, endpoint, ca, signIn });
		return;
	}
	printMessage(
		`thinghz serves ${dir}
  page  ${signIn}
        (signs in once, within 15 minutes; for a new link: npx thinghz signin --target local:${dir})
  MQTT  ${mqtt}${endpoint === mqtt ? "" : `, for devices ${endpoint}`}
Ctrl-C ends it.`,
	);
}

/** The simulated nodes are a command of their own, which knows this cloud by its data folder alone. */
function startFleet(
	dir: string,
	nodes: number,
	speed: number,
	json: boolean | undefined,
): ChildProcess {
	const args = ["sim", "--nodes", String(nodes), "--live", "--with-parent"];
	args.push("--target", `local:${dir}`, "--speed", String(speed));
	if (speed === 1) args.push("--span", DEMO_SPAN);
	const bin = fileURLToPath(new URL("../bin/thinghz.mjs", import.meta.url));
	const child = spawn(process.execPath, [bin, ...args], {
		stdio: ["pipe", json ? "ignore" : "inherit", "inherit"],
	});
	child.once("exit", (code, signal) => {
		if (code !== 0 && signal === null) {
			printMessage(`thinghz: the simulated nodes ended with code ${code}.`);
		}
	});
	return child;
}

async function endFleet(child: ChildProcess): Promise<void> {
	if (child.exitCode !== null || child.signalCode !== null) return;
	const exited = once(child, "exit");
	child.kill("SIGTERM");
	await exited;
}

/** Catches the first signal to end, from the moment it is made. */
class TerminationSignal {
	came = false;
	readonly #coming: Promise<null>;

	constructor() {
		this.#coming = new Promise((resolve) => {
			const end = () => {
				this.came = true;
				resolve(null);
			};
			process.once("SIGTERM", end);
			process.once("SIGINT", end);
		});
	}

	wait(): Promise<null> {
		return this.#coming;
	}
}
