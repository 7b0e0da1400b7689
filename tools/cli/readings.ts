/** `thinghz readings NAME`: the stored readings of one channel, raw or aggregated. */
import type { Command } from "commander";
import { csvLine } from "../../cloud/api/csv.ts";
import { HEALTH_STATES, stateName } from "../../protocol/health-states.ts";
import { type CommonOptions, commonOptions } from "./common.ts";
import { parseTime } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { formatTable, printMessage, toJson } from "./output.ts";
import { usingApi } from "./using-api.ts";

interface ReadingsFlags extends CommonOptions {
	readonly channel?: string;
	readonly from: string;
	readonly to: string;
	readonly every?: string;
	readonly agg?: string;
	readonly format?: string;
}

interface ReadingsOptions extends ReadingsFlags {
	readonly channel: string;
}

interface Row {
	readonly time: string;
	readonly channel: string;
	readonly value: number;
	/** Present where the node did not know the time and the cloud placed the reading. */
	readonly estimated?: boolean;
}

interface Page {
	readonly rows: readonly Row[];
	readonly next: string | null;
	/** Stored blocks of this page that could not be decoded. */
	readonly unreadable: number;
}

/** As the API's own CSV. */
const CSV_HEAD = ["time", "channel", "value", "estimated"] as const;
const AGGREGATES: readonly string[] = ["mean", "min", "max", "sum", "count"];
const FORMATS = ["table", "csv", "json"] as const;
/** Rows a request: the most that the API gives. */
const PAGE_ROWS = 10_000;
type Format = (typeof FORMATS)[number];

export function addReadings(program: Command): void {
	commonOptions(
		program
			.command("readings")
			.description("print the stored readings of a channel")
			.argument("<name>", "the thing")
			.option(
				"--channel <id>",
				"the channel, such as temperature; must be given",
			)
			.option("--from <time>", "ISO-8601, or how long ago: -1h", "-1h")
			.option("--to <time>", "ISO-8601, how long ago, or now", "now")
			.option("--every <duration>", "one row for each such span: 1m, 1h, 1d")
			.option("--agg <kind>", "with --every: mean, min, max, sum or count")
			.option("--format <format>", "table, csv or json"),
	).action(printReadings);
}

async function printReadings(
	name: string,
	flags: ReadingsFlags,
): Promise<void> {
	const options = withChannel(flags);
	const nowMs = Date.now();
	const format = parseFormat(options);
	const fromMs = parseTime(options.from, "--from", nowMs);
	const toMs = parseTime(options.to, "--to", nowMs);
	if (fromMs >= toMs) throw new UsageError("--from must lie before --to.");
	if (options.agg !== undefined && options.every === undefined) {
		throw new UsageError(
			"--agg needs --every: the span of one row, such as 1m.",
		);
	}
	requireBuckets(options);
	const query = new URLSearchParams({
		channel: options.channel,
		from: new Date(fromMs).toISOString(),
		to: new Date(toMs).toISOString(),
		limit: String(PAGE_ROWS),
	});
	if (options.every !== undefined) {
		query.set("every", options.every);
		query.set("agg", options.agg ?? "mean");
	}
	await usingApi(options, async (api) => {
		const writer = new RowWriter(format, isOfStates(options));
		let unreadable = 0;
		for (;;) {
			const response = await api.get(
				`/v1/devices/${encodeURIComponent(name)}/readings?${query}`,
			);
			const page = (await response.json()) as Page;
			writer.write(page.rows);
			unreadable += page.unreadable;
			if (page.next === null) break;
			query.set("cursor", page.next);
		}
		writer.end();
		if (unreadable > 0) {
			printMessage(
				`thinghz: ${unreadable} stored ${unreadable === 1 ? "block" : "blocks"} of this range cannot be read and ${unreadable === 1 ? "is" : "are"} missing above: the database is damaged. Restore it from a backup.`,
			);
		}
	});
}

/** Not a required option of Commander's, which would be missed before the name is, and before one that is mistyped. */
function withChannel(flags: ReadingsFlags): ReadingsOptions {
	const { channel } = flags;
	if (channel === undefined) {
		throw new UsageError(
			"Say which channel, by --channel ID; `thinghz devices` lists them.",
		);
	}
	return { ...flags, channel };
}

/** Whether values are codes of states, which have names: sums and means of them have none. */
function isOfStates({ channel, every, agg }: ReadingsOptions): boolean {
	return (
		Object.hasOwn(HEALTH_STATES, channel) &&
		(every === undefined || agg === "min" || agg === "max")
	);
}

/** @throws UsageError for a span or a kind that the API does not know */
function requireBuckets({ every, agg }: ReadingsOptions): void {
	if (every !== undefined && !/^[1-9]\d*[smhd]$/.test(every)) {
		throw new UsageError(
			`--every: "${every}" is not a span of a row. Write a whole number and a unit: 10s, 5m, 1h, 1d.`,
		);
	}
	if (agg !== undefined && !AGGREGATES.includes(agg)) {
		throw new UsageError(
			`--agg: "${agg}" is not one of ${AGGREGATES.join(", ")}.`,
		);
	}
}

function parseFormat({ format, json }: ReadingsOptions): Format {
	if (format === undefined) return json ? "json" : "table";
	const known = FORMATS.find((name) => name === format);
	if (known === undefined) {
		throw new UsageError(
			`--format: "${format}" is not one of ${FORMATS.join(", ")}.`,
		);
	}
	if (json && known !== "json") {
		throw new UsageError("--json and --format say different things: keep one.");
	}
	return known;
}

/** Writes rows page by page, so that a long range neither waits nor fills memory. */
class RowWriter {
	readonly #format: Format;
	readonly #namesStates: boolean;
	#written = 0;

	constructor(format: Format, namesStates: boolean) {
		this.#format = format;
		this.#namesStates = namesStates;
	}

	write(rows: readonly Row[]): void {
		if (rows.length === 0) return;
		switch (this.#format) {
			case "json":
				process.stdout.write(
					rows
						.map(
							(row, i) => (this.#written + i === 0 ? "[" : ",\n") + toJson(row),
						)
						.join(""),
				);
				break;
			case "csv":
				if (this.#written === 0) process.stdout.write(csvLine(CSV_HEAD));
				process.stdout.write(
					rows
						.map(({ time, channel, value, estimated }) =>
							csvLine([time, channel, value, estimated === true]),
						)
						.join(""),
				);
				break;
			case "table": {
				const table = formatTable(
					["time", "channel", "value", ...(this.#namesStates ? ["state"] : [])],
					rows.map((row) => [
						row.estimated ? `${row.time} (estimated)` : row.time,
						row.channel,
						row.value,
						...(this.#namesStates
							? [stateName(row.channel, row.value) ?? null]
							: []),
					]),
				);
				process.stdout.write(
					this.#written === 0 ? table : table.slice(table.indexOf("\n") + 1),
				);
			}
		}
		this.#written += rows.length;
	}

	end(): void {
		if (this.#format === "json") {
			process.stdout.write(this.#written === 0 ? "[]\n" : "]\n");
		} else if (this.#written === 0) {
			printMessage("No readings in this range.");
		}
	}
}
