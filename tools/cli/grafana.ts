/** `thinghz grafana`: dashboards, alert rules and their data source, into a Grafana or into files. */
import type { Command } from "commander";
import {
	InfluxTargetError,
	parseInfluxUrl,
} from "../../cloud/influxdb/influx-target.ts";
import { type ApiSourceOptions, apiSource } from "../grafana/api-source.ts";
import { toFiles, writeFiles } from "../grafana/files.ts";
import { influxSource } from "../grafana/influx-source.ts";
import { Grafana } from "../grafana/push.ts";
import { SOURCE_KINDS, type Source } from "../grafana/source.ts";
import { timestreamSource } from "../grafana/timestream-source.ts";
import { UsageError } from "./errors.ts";
import { formatTable, printJson, printMessage } from "./output.ts";
import { readSecret } from "./secret-file.ts";
import { parseAnyTarget } from "./target.ts";

interface GrafanaOptions {
	readonly url?: string;
	readonly tokenFile?: string;
	readonly out?: string;
	readonly datasource: string;
	readonly target?: string;
	readonly api?: string;
	readonly apiTokenFile?: string;
	readonly influx?: string;
	readonly influxSecret?: string;
	readonly region?: string;
	readonly database: string;
	readonly table: string;
	readonly dryRun?: boolean;
	readonly json?: boolean;
}

const NOWHERE =
	"Name the Grafana by --url https://…, or a folder by --out DIR.";

export function addGrafana(program: Command): void {
	program
		.command("grafana")
		.description("put dashboards and alert rules into a Grafana, or into files")
		.option("--url <url>", "the Grafana's address")
		.option(
			"--token-file <file>",
			"holds the token of a service account with the role Admin",
		)
		.option("--out <dir>", "writes files for provisioning instead")
		.option(
			"--datasource <kind>",
			`where the data is: ${SOURCE_KINDS.join(", ")}`,
			"api",
		)
		.option(
			"--target <target>",
			"aws: our API's address and Grafana's client there are the stack's",
		)
		.option("--api <url>", "our API's address as Grafana reaches it")
		.option(
			"--api-token-file <file>",
			"holds a token for it: thinghz signin --token --days 400",
		)
		.option("--influx <url>", "InfluxDB's address, as `thinghz up` takes it")
		.option("--influx-secret <file>", "holds what Grafana signs in there by")
		.option("--region <region>", "Timestream's region")
		.option("--database <name>", "Timestream's database", "thinghz")
		.option("--table <name>", "Timestream's table", "readings")
		.option("--dry-run", "says what it would do, and does nothing")
		.option("--json", "machine-readable results on stdout")
		.action(grafana);
}

async function grafana(options: GrafanaOptions): Promise<void> {
	const { url, tokenFile, out } = options;
	if (url === undefined && out === undefined) throw new UsageError(NOWHERE);
	const source = await sourceOf(options);
	// Loaded here alone: no other command needs the SDK.
	const { buildBundle } = await import("../grafana/bundle.ts");
	const bundle = buildBundle(source);
	if (out !== undefined) {
		if (url !== undefined) {
			throw new UsageError("--out and --url go different ways: keep one.");
		}
		const files = toFiles(bundle);
		if (!options.dryRun) writeFiles(out, files);
		const paths = [...files.keys()];
		if (options.json) return printJson({ dir: out, files: paths });
		process.stdout.write(paths.map((path) => `${path}\n`).join(""));
		return;
	}
	if (url === undefined || !isHttp(url)) {
		throw new UsageError(NOWHERE);
	}
	if (tokenFile === undefined) {
		throw new UsageError("--url needs --token-file FILE with Grafana's token.");
	}
	const there = new Grafana({ url, token: readSecret(tokenFile) });
	if (options.dryRun) {
		const plan = await there.plan(bundle);
		if (options.json) return printJson(plan);
		printRows(
			plan.map(({ what, name, would }) => [what, name, would]),
			"would",
		);
		return;
	}
	const steps = await there.push(bundle);
	if (options.json) return printJson(steps);
	printRows(
		steps.map(({ what, name, did }) => [what, name, did]),
		"did",
	);
	printMessage(`Open ${url.replace(/\/+$/, "")}/d/thinghz-fleet`);
}

function printRows(rows: string[][], last: string): void {
	process.stdout.write(formatTable(["what", "name", last], rows));
}

/** @throws UsageError when what the source needs is not said; AwsError */
async function sourceOf(options: GrafanaOptions): Promise<Source> {
	if (options.target !== undefined && options.datasource !== "api") {
		throw new UsageError(
			"--target says whose API Grafana asks: it goes with --datasource api alone.",
		);
	}
	switch (options.datasource) {
		case "api":
			return apiSource(await apiTarget(options));
		case "influxdb":
			return influxSource(influxTarget(options));
		case "timestream": {
			const { region, database, table } = options;
			if (region === undefined) {
				throw new UsageError("--datasource timestream needs --region.");
			}
			if (!isName(database) || !isName(table)) {
				throw new UsageError(
					"--database and --table are of letters, digits, hyphens, dots and underscores.",
				);
			}
			return timestreamSource({ region, database, table });
		}
		default:
			throw new UsageError(
				`--datasource: "${options.datasource}" is none of ${SOURCE_KINDS.join(", ")}.`,
			);
	}
}

/** @throws UsageError, AwsError */
async function apiTarget(options: GrafanaOptions): Promise<ApiSourceOptions> {
	const { target, api, apiTokenFile, out } = options;
	if (target !== undefined && parseAnyTarget(target) === "aws") {
		if (api !== undefined || apiTokenFile !== undefined) {
			throw new UsageError(
				"--target aws has --api and a token from the stack: leave them out.",
			);
		}
		const { readGrafanaAccess } = await import("../aws/grafana-client.ts");
		return readGrafanaAccess(out === undefined);
	}
	if (api === undefined || !isHttp(api)) {
		throw new UsageError(
			"--datasource api needs --api URL: our API's address as Grafana reaches it.",
		);
	}
	if (apiTokenFile === undefined && out === undefined) {
		throw new UsageError(
			"--datasource api needs --api-token-file FILE with a token of our API.",
		);
	}
	const token = apiTokenFile === undefined ? "" : readSecret(apiTokenFile);
	return { url: api.replace(/\/+$/, ""), auth: { token } };
}

function influxTarget({ influx, influxSecret }: GrafanaOptions) {
	if (influx === undefined) {
		throw new UsageError(
			"--datasource influxdb needs --influx URL: InfluxDB's address as Grafana reaches it.",
		);
	}
	try {
		return parseInfluxUrl(
			influx,
			influxSecret === undefined ? null : readSecret(influxSecret),
		);
	} catch (error) {
		if (!(error instanceof InfluxTargetError)) throw error;
		throw new UsageError(`--influx: ${error.message}`, { cause: error });
	}
}

function isHttp(url: string): boolean {
	return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

/** Names of databases and tables: the API reference's CreateTable. */
function isName(name: string): boolean {
	return /^[a-zA-Z0-9_.-]{3,256}$/.test(name);
}
