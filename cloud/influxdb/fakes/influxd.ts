/**
 * An InfluxDB of its own for a test: Debian's `influxd` with a folder and ports of its own on loopback, ended by its
 * process. Not a fake: it stands here because only tests start it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Row } from "../../core/row-ports.ts";

const MISSING =
	"InfluxDB cannot be tested without influxd. Install it with: sudo apt-get install -y --no-install-recommends influxdb";

/** What InfluxQL answers a statement with, times in ms. */
export interface InfluxSeries {
	readonly name: string;
	readonly tags?: Readonly<Record<string, string>>;
	readonly columns: readonly string[];
	readonly values: readonly (readonly (string | number | null)[])[];
}

export interface TestInflux {
	readonly url: string;
	/** The series that a statement answers with. @throws Error with what InfluxDB says against it */
	query(statement: string, database?: string): Promise<readonly InfluxSeries[]>;
	/** Writes lines as they are, times in ms. */
	write(lines: string, database: string): Promise<void>;
	/** Ends the process at once and keeps its data, until `start`. */
	kill(): Promise<void>;
	/** Starts it again on the same data and port. */
	start(): Promise<void>;
	/** Ends it and removes its data. */
	stop(): Promise<void>;
}

/** Skips a suite where there is no influxd, and says how to get it. In CI every test runs: there it fails instead. */
export function skipWithoutInflux(context: Mocha.Context): void {
	if (spawnSync("influxd", ["version"]).status === 0) return;
	if (process.env.CI === "true") throw new Error(MISSING);
	console.error(MISSING);
	context.skip();
}

export async function startInflux(): Promise<TestInflux> {
	const dir = mkdtempSync(join(tmpdir(), "thinghz-influx-"));
	let port = 0;
	let child: ChildProcess | null = null;

	async function start(): Promise<void> {
		const config = join(dir, "influxdb.conf");
		writeFileSync(config, configuration(dir, port));
		child = spawn("influxd", ["-config", config], {
			stdio: ["ignore", "pipe", "pipe"],
		});
		port = await portOf(child);
	}

	async function kill(): Promise<void> {
		if (child === null) return;
		if (child.exitCode === null && child.signalCode === null) {
			const exited = once(child, "exit");
			child.kill("SIGKILL");
			await exited;
		}
		child = null;
	}

	async function post(path: string, body: string | URLSearchParams) {
		return fetch(`http://127.0.0.1:${port}${path}`, { method: "POST", body });
	}

	await start();
	return {
		url: `http://127.0.0.1:${port}`,
		async query(statement, database = "") {
			const response = await post(
				"/query",
				new URLSearchParams({ q: statement, db: database, epoch: "ms" }),
			);
			const { results, error } = (await response.json()) as {
				readonly error?: string;
				readonly results?: readonly {
					readonly error?: string;
					readonly series?: readonly InfluxSeries[];
				}[];
			};
			const problem = error ?? results?.find((one) => one.error)?.error;
			if (problem !== undefined) throw new Error(`${statement}: ${problem}`);
			return (results ?? []).flatMap(({ series }) => series ?? []);
		},
		async write(lines, database) {
			const response = await post(
				`/write?db=${encodeURIComponent(database)}&precision=ms`,
				lines,
			);
			if (response.status !== 204) throw new Error(await response.text());
		},
		kill,
		start,
		async stop() {
			await kill();
			rmSync(dir, { recursive: true, force: true });
		},
	};
}

/** All rows of a device, as `InfluxRows` has written them. */
export async function rowsIn(
	influx: TestInflux,
	database: string,
	device: string,
): Promise<Row[]> {
	const series = await influx.query(
		`SELECT value FROM readings WHERE device = '${device}' GROUP BY *`,
		database,
	);
	return series.flatMap(({ tags = {}, values }) =>
		values.map(([timeMs, value]) => ({
			channel: tags.channel ?? "",
			unit: tags.unit ?? "",
			timeMs: Number(timeMs),
			value: Number(value),
		})),
	);
}

/** Where it listens, from its log: with port 0 the system chooses. @throws Error when it ends before */
async function portOf(child: ChildProcess): Promise<number> {
	const { stdout, stderr } = child;
	if (stdout === null || stderr === null) throw new Error("no pipes");
	stdout.resume();
	const lines: string[] = [];
	const log = createInterface({ input: stderr });
	try {
		for await (const line of log) {
			lines.push(line);
			const match = /Listening on HTTP.*addr=127\.0\.0\.1:(\d+)/.exec(line);
			if (match !== null) return Number(match[1]);
		}
	} finally {
		log.close();
		stderr.resume();
	}
	throw new Error(`influxd ended: ${lines.slice(-5).join("\n")}`);
}

function configuration(dir: string, port: number): string {
	return `reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
	dir = "${dir}/meta"
[data]
	dir = "${dir}/data"
	wal-dir = "${dir}/wal"
	query-log-enabled = false
[http]
	bind-address = "127.0.0.1:${port}"
	log-enabled = false
[monitor]
	store-enabled = false
[subscriber]
	enabled = false
`;
}
