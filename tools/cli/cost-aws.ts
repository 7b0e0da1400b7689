/** `thinghz cost`: dollars a device-month on AWS, by service, beside the design that most begin with. */
import { MAX_CHANNELS } from "../../protocol/block.ts";
import { type AwsUse, reckonAws, type TimeSeries } from "../cost/aws.ts";
import { type Bill, PRICES } from "../cost/bill.ts";
import { DESIGN } from "../cost/design.ts";
import { reckonNaive } from "../cost/naive.ts";
import { healthStream, readingsStream } from "../cost/streams.ts";
import { parseDurationWithin, parseWhole } from "./duration.ts";
import { UsageError } from "./errors.ts";
import { formatTable, printJson, printMessage } from "./output.ts";

export interface AwsCostOptions {
	readonly devices: string;
	readonly channels: string;
	readonly interval?: string;
	readonly span: string;
	readonly months: string;
	readonly timeseries: string;
	readonly people: string;
	readonly grafanaEditors: string;
	readonly grafanaViewers: string;
	readonly health: boolean;
	readonly json?: boolean;
}

export const TIME_SERIES = [
	"none",
	"timestream",
	"influxdb",
] as const satisfies readonly TimeSeries[];

const DEFAULT_INTERVAL = "1s";
const INTERVALS = ["10ms", "24h"] as const;
const SPANS = ["1s", "24h"] as const;
/** Readings kept for more than a year, so that one year can be laid on the other. */
const LONG_MONTHS = 13;
/** What is less is not worth a line; it is in the sum of its service, and in --json. */
const SHOWN_USD = 0.000_05;

/** @throws UsageError */
export function costOnAws(options: AwsCostOptions): void {
	const use = parseUse(options);
	const bill = reckonAws(use);
	const naive = reckonNaive({
		devices: use.devices,
		channels: use.readings.channels,
		intervalS: use.readings.intervalS,
		months: use.months,
	});
	const long = reckonAws({ ...use, months: LONG_MONTHS });
	const each = (usd: number) => usd / use.devices;
	if (options.json) {
		printJson({
			perDeviceMonthUsd: each(bill.totalUsd() - bill.freeUsd()),
			withoutFreeTierUsd: each(bill.totalUsd()),
			services: Object.fromEntries(
				[...bill.byService()].map(([name, usd]) => [name, each(usd)]),
			),
			lines: bill.lines.map((line) => ({
				service: line.service,
				what: line.what,
				quantity: line.quantity,
				per: PRICES.prices[line.price].per,
				usd: line.usd,
			})),
			fleetMonthUsd: bill.totalUsd() - bill.freeUsd(),
			keptFor13MonthsUsd: each(long.totalUsd() - long.freeUsd()),
			naivePerDeviceMonthUsd: each(naive.totalUsd() - naive.freeUsd()),
			devices: use.devices,
			channels: use.readings.channels,
			intervalMs: use.readings.intervalS * 1000,
			spanMs: use.readings.spanS * 1000,
			blockBytes: use.readings.blockBytes,
			months: use.months,
			timeseries: use.timeSeries,
			prices: { region: PRICES.region, date: PRICES.date },
		});
		return;
	}
	print(use, { bill, naive, long });
}

function print(
	use: AwsUse,
	bills: { readonly bill: Bill; readonly naive: Bill; readonly long: Bill },
): void {
	const { bill, naive, long } = bills;
	const { readings, devices, months } = use;
	const each = (usd: number) => (usd / devices).toFixed(4);
	const paid = (one: Bill) => each(one.totalUsd() - one.freeUsd());
	const rows: [string, string, string][] = [];
	for (const [service, usd] of bill.byService()) {
		rows.push([service, "", each(usd)]);
		for (const line of bill.of(service)) {
			if (line.usd / devices < SHOWN_USD) continue;
			rows.push(["", line.what, each(line.usd)]);
		}
	}
	rows.push(["all", "", each(bill.totalUsd())]);
	rows.push([
		"",
		"less the first units of each month, which are free",
		`-${each(bill.freeUsd())}`,
	]);
	rows.push(["to pay", "", paid(bill)]);
	process.stdout.write(formatTable(["service", "for", "$/device-month"], rows));
	printMessage(
		`
${devices} devices, ${readings.channels} channels every ${readings.intervalS} s, blocks of ${readings.spanS} s (${readings.blockBytes} B), kept for ${months} months: $${paid(bill)} a device-month, $${(bill.totalUsd() - bill.freeUsd()).toFixed(2)} a month in all.
  kept for ${LONG_MONTHS} months         $${paid(long)}
  without free units       $${each(bill.totalUsd())}
  a message for each sample, each an item of DynamoDB: $${paid(naive)}
List prices of ${PRICES.region}, ${PRICES.date}; docs/cost.md says where they and the quantities come from.`,
	);
}

function parseUse(options: AwsCostOptions): AwsUse {
	const intervalMs = parseDurationWithin(
		options.interval ?? DEFAULT_INTERVAL,
		"--interval",
		INTERVALS,
	);
	const spanMs = parseDurationWithin(options.span, "--span", SPANS);
	if (spanMs < intervalMs) {
		throw new UsageError(
			`--span: a block of ${options.span} has no room for samples ${options.interval ?? DEFAULT_INTERVAL} apart.`,
		);
	}
	const timeSeries = TIME_SERIES.find((one) => one === options.timeseries);
	if (timeSeries === undefined) {
		throw new UsageError(
			`--timeseries: "${options.timeseries}" is not one of ${TIME_SERIES.join(", ")}.`,
		);
	}
	const channels = parseWhole(options.channels, "--channels", 1, MAX_CHANNELS);
	return {
		devices: parseWhole(options.devices, "--devices", 1, 10_000_000),
		readings: readingsStream(intervalMs, spanMs, channels),
		health: options.health ? healthStream() : null,
		months: parseWhole(options.months, "--months", 1, 240),
		timeSeries,
		people: parseWhole(options.people, "--people", 0, 1_000_000),
		grafana: {
			editors: parseWhole(
				options.grafanaEditors,
				"--grafana-editors",
				0,
				100_000,
			),
			viewers: parseWhole(
				options.grafanaViewers,
				"--grafana-viewers",
				0,
				100_000,
			),
		},
		design: DESIGN,
	};
}
