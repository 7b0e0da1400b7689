/** `thinghz up`: runs the cloud on this machine, and simulated nodes beside it when asked to. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import {
	type BrokerLogEntry,
	startBroker,
} from "../../cloud/local/broker/broker.ts";
import { openLocalCloud } from "../../cloud/local/cloud.ts";
import { startHttp } from "../../cloud/local/http.ts";
import { openAuthority } from "../../cloud/local/identity/authority.ts";
import { serverIdentity } from "../../cloud/local/identity/server-certificate.ts";
import packageJson from "../../package.json" with { type: "json" };
import { parseWhole } from "./duration.ts";
import { CommandError } from "./errors.ts";
import { printJson, printMessage, reportError } from "./output.ts";
import {
	findRunning,
	type RunningCloud,
	removeRunning,
	writeRunning,
} from "./runtime-file.ts";

interface UpOptions {
	readonly data: string;
	readonly host: string;
	readonly mqttPort: string;
	readonly httpPort: string;
	readonly nodes: string;
	readonly speed: string;
	readonly json?: boolean;
}

const WEB_DIR = fileURLToPath(new URL("./web", import.meta.url));

export function addUp(program: Command): void {
	program
		.command("up")
		.description("run the cloud on this machine until it is told to end")
		.option(
			"--data <dir>",
			"the data folder; made where it is missing",
			"./data",
		)
		.option("--host <address>", "the address to bind to", "127.0.0.1")
		.option("--mqtt-port <port>", "MQTT over TLS; 0 takes a free one", "8883")
		.option("--http-port <port>", "API and page; 0 takes a free one", "8080")
		.option("--nodes <count>", "simulated nodes to run beside it", "0")
		.option("--speed <factor>", "how fast the nodes' time runs", "1")
		.option("--json", "machine-readable results on stdout")
		.action(up);
}

async function up(options: UpOptions): Promise<void> {
	const dir = resolve(options.data);
	const mqttPort = parseWhole(options.mqttPort, "--mqtt-port", 0, 65_535);
	const httpPort = parseWhole(options.httpPort, "--http-port", 0, 65_535);
	const nodes = parseWhole(options.nodes, "--nodes", 0, 1000);
	const speed = parseWhole(options.speed, "--speed", 1, 3600);
	const other = findRunning(dir);
	if (other !== null) {
		throw new CommandError(
			`A cloud (process ${other.pid}) already runs on ${dir}, at ${other.http}. End it first, or name another folder by --data DIR.`,
		);
	}

	const serving = await serve(dir, options.host, mqttPort, httpPort);
	const { running } = serving;
	writeRunning(dir, running);
	const signIn = `${running.http}/#signin=${serving.signInToken}`;
	if (options.json) {
		printJson({
			event: "ready",
			http: running.http,
			mqtt: running.mqtt,
			ca: join(dir, "ca", "ca.pem"),
			signIn,
		});
	} else {
		printMessage(
			`thinghz serves ${dir}
  page  ${signIn}
        (signs in once, within 15 minutes; \`thinghz signin\` prints a new link)
  MQTT  ${running.mqtt}
Ctrl-C ends it.`,
		);
	}
	const fleet = nodes > 0 ? startFleet(dir, nodes, speed, options.json) : null;
	await terminationSignal();
	if (!options.json) printMessage("Ending: what has arrived is being stored …");
	if (fleet !== null) await endFleet(fleet);
	removeRunning(dir);
	await serving.close();
}

interface Serving {
	readonly running: RunningCloud;
	readonly signInToken: string;
	/** Ends listening, lets what was accepted be committed and acknowledged, and closes the stores. */
	close(): Promise<void>;
}

async function serve(
	dir: string,
	host: string,
	mqttPort: number,
	httpPort: number,
): Promise<Serving> {
	const closing: (() => Promise<void>)[] = [];
	const closeAll = async () => {
		for (const close of closing.reverse()) await close();
	};
	try {
		const cloud = await openLocalCloud({
			dir,
			version: packageJson.version,
			onError: reportError,
		});
		closing.push(() => cloud.close());
		await cloud.start();
		const authority = await openAuthority(dir);
		const broker = await startBroker({
			ingest: cloud.ingest,
			devices: cloud.devices,
			certificates: cloud.stores.certificates,
			tls: await serverIdentity(authority, dir, [host]),
			host,
			port: mqttPort,
			log: logBroker,
		});
		closing.push(() => broker.close());
		const http = await startHttp({
			app: cloud.app,
			webDir: WEB_DIR,
			host,
			port: httpPort,
		});
		closing.push(() => http.close());
		return {
			running: {
				pid: process.pid,
				http: http.url,
				mqtt: `mqtts://${host}:${broker.port}`,
			},
			signInToken: cloud.auth.issueSignIn(),
			close: closeAll,
		};
	} catch (error) {
		await closeAll();
		throw error;
	}
}

/** Says who was turned away and why; comings and goings are the API's to tell. */
function logBroker(entry: BrokerLogEntry): void {
	if (entry.event === "connected" || entry.event === "disconnected") return;
	const who = entry.thing ?? (entry.remoteAddress || "the broker");
	const cause = entry.cause instanceof Error ? ` (${entry.cause.message})` : "";
	printMessage(`${who}: ${entry.event}: ${entry.reason ?? "unknown"}${cause}`);
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

function terminationSignal(): Promise<void> {
	return new Promise((resolve) => {
		process.once("SIGTERM", resolve);
		process.once("SIGINT", resolve);
	});
}
